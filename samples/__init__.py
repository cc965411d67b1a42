"""The embedded world: the program that renders, films and trains it, and the clip it made."""
