"""The generator's step in few kernels: its memory layer by numba on the CPU, all of it by Triton on CUDA.

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

Memorize = Callable[[Tensor, Tensor, Tensor, Tensor, Sequence[Tensor], float], Tensor]
Generate = Callable[..., Tensor]


def memorizing(like: Tensor) -> Memorize | None:
    """`cpu.memorize` for such tensors; None where there is only the reference."""
    return _cpu() if like.dtype == torch.float32 and like.device.type == "cpu" else None


def generating(like: Tensor) -> Generate | None:
    """`cuda.generate` for such tensors; None where there is none."""
    return _cuda() if like.dtype == torch.float32 and like.device.type == "cuda" else None


@cache
def _cpu() -> Memorize | None:
    if not find_spec("numba"):
        return None
    from mgtta.kernels.cpu import memorize

    return memorize


@cache
def _cuda() -> Generate | None:
    if not find_spec("triton"):
        return None
    from mgtta.kernels.cuda import generate

    return generate
