"""The embedded world: programs that render it, film it and train a model on it, and the resulting clip."""
