"""Gradients: losses, the learned generator, and the methods that adapt with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mgtta_models.deferred import deferred

if TYPE_CHECKING:
    from mgtta.generator import MetaGradientGenerator, meta_gradient
    from mgtta.methods import METHODS
    from mgtta.parameters import norm_parameters
    from mgtta.statistics import SourceStatistics

__all__ = ["METHODS", "MetaGradientGenerator", "SourceStatistics", "meta_gradient", "norm_parameters"]
__getattr__ = deferred(
    __name__,
    {
        "METHODS": "methods",
        "MetaGradientGenerator": "generator",
        "SourceStatistics": "statistics",
        "meta_gradient": "generator",
        "norm_parameters": "parameters",
    },
)
