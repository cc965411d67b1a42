"""Runs a log again: to the bit, to find what differs, or under other settings."""
