"""The adaptation log: format, records, writer, and provenance of a run."""
