"""The run in a browser: picture, curves, and buttons for the keys. Standard library only; no file is served."""
