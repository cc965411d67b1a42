"""Findings about a run, by the data they rest on."""
