"""Weights: backbones, and all that belongs to their files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mgtta_models.deferred import deferred

if TYPE_CHECKING:
    from mgtta_models.backbone import Backbone, Output
    from mgtta_models.errors import ModelError
    from mgtta_models.labels import Labels
    from mgtta_models.loading import load_backbone
    from mgtta_models.preprocess import Preprocess

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # ONNX Runtime, from 1.29 on, would report each session's model

__all__ = ["Backbone", "Labels", "ModelError", "Output", "Preprocess", "load_backbone"]
__getattr__ = deferred(
    __name__,
    {
        "Backbone": "backbone",
        "Output": "backbone",
        "ModelError": "errors",
        "Labels": "labels",
        "load_backbone": "loading",
        "Preprocess": "preprocess",
    },
)
