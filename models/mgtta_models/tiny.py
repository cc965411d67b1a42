"""A tiny ViT with random weights: for examples, for tests, and for checks of users' own methods."""

from __future__ import annotations

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from mgtta_models.backbone import Backbone

SIZE = 32  # pixels a side
KEPT = (11, 1, 2, 3, 4, 5, 6, 7, 8, 0)  # of its 12 classes


def tiny_backbone(sharpness: float = 3.0, seed: int = 0) -> Backbone:
    """A ViT of 3 blocks of width 32 for pictures of 32 x 32, with 10 of 12 classes to choose from.

    It is sure of some random pictures and unsure of others.

    Args:
        sharpness: factor of its logits: 1e-3 makes it unsure of all.
        seed: of the weights; torch's own random state is left as it is.

    Example:
        >>> tiny_backbone()(torch.randn(4, 3, 32, 32)).logits.shape
        torch.Size([4, 10])
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vit = VisionTransformer(img_size=SIZE, patch_size=8, embed_dim=32, depth=3, num_heads=4, num_classes=12)
        for name, parameter in vit.named_parameters():
            nn.init.normal_(parameter, mean=1.0 if "norm" in name and name.endswith("weight") else 0.0, std=0.2)
    vit.get_submodule("head").get_parameter("weight").data.mul_(sharpness)
    backbone = Backbone(vit, name="tiny")
    backbone.restrict(KEPT)
    return backbone
