"""Draw on frames: pure functions from a result to an image."""
