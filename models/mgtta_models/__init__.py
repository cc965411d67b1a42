"""Weights: classifiers, and all that belongs to their files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mgtta_models.deferred import deferred

if TYPE_CHECKING:
    from mgtta_models.backbone import Backbone
    from mgtta_models.errors import ModelError
    from mgtta_models.labels import Labels
    from mgtta_models.loading import load_backbone
    from mgtta_models.preprocess import Preprocess
    from mgtta_models.types import Classifier, Output

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # ONNX Runtime, from 1.29 on, would report each session's model

__all__ = ["Backbone", "Classifier", "Labels", "ModelError", "Output", "Preprocess", "load_backbone"]
__getattr__ = deferred(
    __name__,
    {
        "Backbone": "backbone",
        "Classifier": "types",
        "Output": "types",
        "ModelError": "errors",
        "Labels": "labels",
        "load_backbone": "loading",
        "Preprocess": "preprocess",
    },
)
