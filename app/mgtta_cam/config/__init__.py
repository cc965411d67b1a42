"""Settings: declared once, loaded from flags, environment and file, and the specs of methods."""
