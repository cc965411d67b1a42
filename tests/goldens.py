"""The reference implementations' numbers, and the tiny model that they were taken on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from mgtta import MetaGradientGenerator, SourceStatistics, norm_parameters
from mgtta.parameters import flatten
from mgtta_models import Backbone, Classifier

Golden = Mapping[str, NDArray]


def load(shared: Path, name: str) -> Golden:
    """All arrays of one golden file of methods."""
    with np.load(shared / "goldens" / "mgg" / f"{name}.npz") as file:
        return dict(file)


def tensors(golden: Golden, prefix: str) -> dict[str, Tensor]:
    """The arrays whose keys start with the prefix, without it."""
    return {key.removeprefix(prefix): torch.from_numpy(a) for key, a in golden.items() if key.startswith(prefix)}


def backbone(common: Golden) -> Backbone:
    """The tiny ViT: 3 blocks of width 32 on pictures of 32 pixels, 10 classes."""
    vit = VisionTransformer(img_size=32, patch_size=8, embed_dim=32, depth=3, num_heads=4, num_classes=10)
    vit.load_state_dict(tensors(common, "sd/"))
    return Backbone(vit)


def statistics(common: Golden) -> SourceStatistics:
    """Those of the tiny ViT's source pictures."""
    return SourceStatistics(std=torch.from_numpy(common["source_std"]), mean=torch.from_numpy(common["source_mean"]))


def generator(golden: Golden, prefix: str) -> MetaGradientGenerator:
    """A generator from the authors' arrays."""
    return MetaGradientGenerator.from_official(tensors(golden, prefix))


def inputs(pictures: NDArray[np.uint8]) -> Tensor:
    """uint8 [..., 3, h, w] -> the model's input."""
    return torch.from_numpy(pictures).float() / 127.5 - 1


def norms(backbone: Classifier) -> NDArray[np.float32]:
    """All norm parameters now, as one vector."""
    return flatten(norm_parameters(backbone)).detach().numpy().copy()
