"""The generator's step in few kernels."""
