"""A log, or several, as one page that a person reads: what happened, and whether adapting helped."""
