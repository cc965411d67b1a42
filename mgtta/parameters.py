"""Which parameters are adapted, and how to see them as one vector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from mgtta.types import Tensors
from mgtta_models import Classifier


def norm_parameters(backbone: Classifier) -> dict[str, nn.Parameter]:
    """Weights and biases of all normalization layers, by name, in the model's order.

    In a ViT: norm1 and norm2 of each block, then the final norm; 38,400 scalars in ViT-B.
    """
    return backbone.norm_parameters()


def early_norm_parameters(backbone: Classifier) -> dict[str, nn.Parameter]:
    """Those of `norm_parameters` before the last blocks: without the final norm and the last 3 blocks of 12.

    SAR's scope (arXiv 2302.12400, section 4): late layers decide, and are left alone. Its code names blocks 9 to 11;
    here a quarter of the blocks, at most three, stays out, whatever the depth.
    """
    return backbone.norm_parameters(blocks=backbone.depth - min(3, backbone.depth // 4))


class Parts(Mapping[str, Tensor]):
    """A vector [n] as tensors by name; the views are made at first use."""

    def __init__(self, vector: Tensor, like: Tensors) -> None:
        self.vector = vector
        self.shapes = like.shapes if isinstance(like, Parts) else {name: tensor.shape for name, tensor in like.items()}
        self._views: dict[str, Tensor] = {}

    def __getitem__(self, name: str) -> Tensor:
        if not self._views:
            parts = self.vector.split([shape.numel() for shape in self.shapes.values()])
            named = zip(self.shapes.items(), parts, strict=True)
            self._views = {name: part.view(shape) for (name, shape), part in named}
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)


def joined(tensors: Tensors) -> Tensor | None:
    """All scalars as one vector [n] in the same memory, if the tensors lie there one after another; else None."""
    if isinstance(tensors, Parts):
        return tensors.vector
    values = list(tensors.values())
    if not values:
        return None
    first, end = values[0], values[0].storage_offset()
    where = first.untyped_storage().data_ptr()
    for tensor in values:
        apart = tensor.storage_offset() != end or tensor.untyped_storage().data_ptr() != where
        if apart or tensor.dtype != first.dtype or not tensor.is_contiguous():
            return None
        end += tensor.numel()
    return first.detach().as_strided((end - first.storage_offset(),), (1,), first.storage_offset())


def flatten(tensors: Tensors | Sequence[Tensor]) -> Tensor:
    """A copy of all scalars in one vector [n], tensor after tensor."""
    values = tensors if isinstance(tensors, Sequence) else tensors.values()
    return torch.cat([tensor.reshape(-1) for tensor in values])


def vector(tensors: Tensors) -> Tensor:
    """All scalars in one vector [n]: the same memory where `joined` finds one, a copy elsewhere."""
    own = joined(tensors)
    return flatten(tensors) if own is None else own


def unflatten(vector: Tensor, like: Tensors) -> Tensors:
    """The inverse of `flatten`: views of `vector` [n] in the names, order and shapes of `like`."""
    return Parts(vector, like)
