"""Checks that need a GPU; `tests.gpu_check` runs them."""
