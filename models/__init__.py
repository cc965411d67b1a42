"""Weights: backbones, and all that belongs to their files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from models.deferred import deferred

if TYPE_CHECKING:
    from models.backbone import Backbone, Output
    from models.errors import ModelError
    from models.labels import Labels
    from models.loading import load_backbone
    from models.preprocess import Preprocess

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
