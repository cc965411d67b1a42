"""The adaptation log: its format, its records, its writer, and where a run came from."""
