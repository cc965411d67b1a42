"""Findings about a run, by what they rest on."""
