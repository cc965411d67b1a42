"""Gradients: losses, the learned generator, and the methods that adapt with them.

The names below are imported when they are first used: torch takes seconds, and `--help` must not wait for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mgtta.generator import MetaGradientGenerator, meta_gradient
    from mgtta.methods import METHODS
    from mgtta.parameters import norm_parameters
    from mgtta.statistics import SourceStatistics

__all__ = ["METHODS", "MetaGradientGenerator", "SourceStatistics", "meta_gradient", "norm_parameters"]
_HOME = {
    "METHODS": "mgtta.methods",
    "MetaGradientGenerator": "mgtta.generator",
    "SourceStatistics": "mgtta.statistics",
    "meta_gradient": "mgtta.generator",
    "norm_parameters": "mgtta.parameters",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
