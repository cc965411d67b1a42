"""Pictures of one run or several, one module each."""
