"""Weights: backbones, and all that belongs to their files.

The names below are imported when they are first used: torch and timm take seconds, and `--help` must not wait for them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.backbone import Backbone, Output
    from models.errors import ModelError
    from models.labels import Labels
    from models.loading import load_backbone
    from models.preprocess import Preprocess

__all__ = ["Backbone", "Labels", "ModelError", "Output", "Preprocess", "load_backbone"]
_HOME = {
    "Backbone": "models.backbone",
    "Output": "models.backbone",
    "ModelError": "models.errors",
    "Labels": "models.labels",
    "load_backbone": "models.loading",
    "Preprocess": "models.preprocess",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
