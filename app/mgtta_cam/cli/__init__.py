"""The commands: parse, assemble, run, print."""
