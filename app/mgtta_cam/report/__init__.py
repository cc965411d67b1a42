"""Turn one or several logs into a readable page: what happened, and whether adapting helped."""
