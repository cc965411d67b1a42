"""The run in a browser: picture, curves, and a button for each key. Standard library only; no file is served."""
