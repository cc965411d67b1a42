"""Pixels: sources, corruptions, overlay, sinks, log, command line."""
