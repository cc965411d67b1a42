"""Types of object builders."""

import numpy as np
import pyvista as pv

Rng = np.random.Generator
Parts = list[tuple[pv.DataSet, str]]
"""Meshes, each with the name of the material slot that covers it."""
