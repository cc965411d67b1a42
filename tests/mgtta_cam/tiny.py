"""A model of a few kilobytes, as a weights file with its card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from timm.models.vision_transformer import VisionTransformer

from mgtta_models import files

CLASSES = ("mug", "chair", "lamp", "hat")


def write_model(path: Path, seed: int = 0) -> Path:
    """A random ViT of 2 blocks on 32 x 32 pixels, 4 classes; the same each time for a seed."""
    arguments: dict[str, Any] = {"img_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 2, "num_heads": 2}
    arguments["num_classes"] = len(CLASSES)
    torch.manual_seed(seed)
    vit = VisionTransformer(**arguments)
    card = {
        "arguments": json.dumps(arguments),
        "classes": json.dumps(CLASSES),
        "input_size": "32",
        "mean": "[0.5, 0.5, 0.5]",
        "std": "[0.5, 0.5, 0.5]",
        "interpolation": "bicubic",
        "crop_pct": "1.0",
    }
    files.write(path, vit.state_dict(), card)
    return path
