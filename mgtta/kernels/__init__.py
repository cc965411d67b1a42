"""One step of the gradient memory layer as one compiled kernel: by numba on the CPU, by Triton on CUDA.

`MetaGradientGenerator.forward` is the reference that both are tested against. A kernel reads and writes the memory
once, 72 floats a scalar, which is nearly all there is to do. Neighbors in memory are worked on at once, so the scalars
come last there: [f, f, n].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

Kernel = Callable[[Tensor, Tensor, Tensor, Tensor, Sequence[Tensor], float], Tensor]


def kernel(like: Tensor) -> Kernel | None:
    """For tensors of this type and device; None where there is only the reference."""
    return _for_device(like.device.type) if like.dtype == torch.float32 else None


@cache
def _for_device(kind: str) -> Kernel | None:
    if kind == "cuda" and find_spec("triton"):
        from mgtta.kernels.cuda import memorize

        return memorize
    if kind == "cpu" and find_spec("numba"):
        from mgtta.kernels.cpu import memorize

        return memorize
    return None
