"""Checks that need a GPU; `benchmarks.gpu_check` runs them."""
