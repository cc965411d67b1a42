"""The only rooms that name concrete sources, sinks, methods and devices, and put them together."""
