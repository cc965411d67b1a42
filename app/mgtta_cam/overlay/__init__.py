"""What is drawn on a frame: pure functions from a result to an image."""
