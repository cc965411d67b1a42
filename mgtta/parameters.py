"""Which numbers are adapted, and how to see them as one vector."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mgtta.types import Tensors
from models import Backbone


def norm_parameters(backbone: Backbone) -> dict[str, nn.Parameter]:
    """Weights and biases of all normalization layers, by timm's names, in the model's order.

    In a ViT: norm1 and norm2 of each block, then the final norm; 38,400 scalars in ViT-B.
    """
    return {
        f"{layer}.{name}": parameter
        for layer, module in backbone.norms()
        for name, parameter in module.named_parameters(recurse=False)
    }


def early_norm_parameters(backbone: Backbone) -> dict[str, nn.Parameter]:
    """Those of `norm_parameters` before the last blocks: without the final norm and the last 3 blocks of 12.

    SAR's scope (arXiv 2302.12400, section 4): late layers decide, and are left alone. Its code names blocks 9 to 11;
    here a quarter of the blocks, at most three, stays out, whatever the depth.
    """
    depth = len(backbone.vit.blocks)
    late = tuple(f"blocks.{i}." for i in range(depth - min(3, depth // 4), depth))
    return {name: p for name, p in norm_parameters(backbone).items() if not name.startswith(("norm.", *late))}


def flatten(tensors: Tensors | Sequence[Tensor]) -> Tensor:
    """All scalars in one vector [n], tensor after tensor."""
    values = tensors if isinstance(tensors, Sequence) else tensors.values()
    return torch.cat([tensor.reshape(-1) for tensor in values])


def unflatten(vector: Tensor, like: Tensors) -> dict[str, Tensor]:
    """The inverse of `flatten`: views of `vector` [n] in the names, order and shapes of `like`."""
    parts = vector.split([tensor.numel() for tensor in like.values()])
    return {name: part.view_as(tensor) for (name, tensor), part in zip(like.items(), parts, strict=True)}
