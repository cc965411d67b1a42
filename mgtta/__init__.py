"""Test-time adaptation: losses, the learned generator, the methods that adapt with them, and `adapt`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mgtta_models.deferred import deferred

if TYPE_CHECKING:
    from mgtta.generator import MetaGradientGenerator, meta_gradient
    from mgtta.methods import METHODS
    from mgtta.module import adapt
    from mgtta.parameters import norm_parameters
    from mgtta.statistics import SourceStatistics

__all__ = ["METHODS", "MetaGradientGenerator", "SourceStatistics", "adapt", "meta_gradient", "norm_parameters"]
__getattr__ = deferred(
    __name__,
    {
        "METHODS": "methods",
        "MetaGradientGenerator": "generator",
        "SourceStatistics": "statistics",
        "adapt": "module",
        "meta_gradient": "generator",
        "norm_parameters": "parameters",
    },
)
