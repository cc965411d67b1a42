"""Pictures of a run and of several, one file each."""
