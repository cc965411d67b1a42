"""One step of the gradient memory layer as one compiled kernel: by numba on the CPU, by Triton on CUDA.

`MetaGradientGenerator.forward` is the reference that both are tested against. A kernel reads and writes the memory
once, 72 floats a scalar, which is nearly all there is to do. Neighbors in memory are worked on at once, so the scalars
come last there: [f, f, n].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec

import torch
from torch import Tensor

Kernel = Callable[[Tensor, Tensor, Tensor, Tensor, Sequence[Tensor], float], Tensor]


def kernel(like: Tensor) -> Kernel | None:
    """For tensors of this type and device; None where there is only the reference."""
    if like.dtype != torch.float32:
        return None
    if like.is_cuda and find_spec("triton"):
        from mgtta.kernels.cuda import memorize

        return memorize
    if like.device.type == "cpu" and find_spec("numba"):
        from mgtta.kernels.cpu import memorize

        return memorize
    return None
