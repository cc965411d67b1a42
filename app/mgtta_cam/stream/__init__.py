"""The loop: preprocess, predict, update, and the session around it."""
