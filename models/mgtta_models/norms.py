"""Layer norm of tokens in 16 bits, on CUDA in one kernel each way.

Its arithmetic is in float32, as torch's would be between two casts; those, and what they write and read, are spared.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn


class NarrowNorm(nn.LayerNorm):
    """A layer norm that gives the type `dtype`, of the same parameters as the one given."""

    def __init__(self, norm: nn.LayerNorm, dtype: torch.dtype) -> None:
        super().__init__(list(norm.normalized_shape), norm.eps, elementwise_affine=False)
        self.weight, self.bias, self.dtype = norm.weight, norm.bias, dtype
        self.train(norm.training)

    def widen(self) -> None:
        """Gives float32 to the hooks that are registered from now on, and then `dtype`, as before."""
        dtype, self.dtype = self.dtype, torch.float32
        self.register_forward_hook(lambda *given: given[-1].to(dtype))

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  torch's name
        """[..., d] -> [..., d]."""
        if on_cuda(input):
            return _Norm.apply(input, self.weight, self.bias, self.eps, self.dtype)  # pyright: ignore[reportReturnType]
        return super().forward(input.float()).to(self.dtype)


def fusible(norm: nn.Module) -> TypeGuard[nn.LayerNorm]:
    """Whether `NarrowNorm` can take its place: a layer norm on CUDA over the last axis, with weight and bias."""
    if not isinstance(norm, nn.LayerNorm) or len(norm.normalized_shape) > 1 or norm.bias is None:
        return False
    return on_cuda(norm.weight) and find_spec("triton") is not None


def on_cuda(x: Tensor) -> bool:
    """Whether kernels can work on it."""
    return x.is_cuda


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float, dtype: torch.dtype) -> Tensor:
        from mgtta_models.norm_kernels import forward

        rows = x.reshape(-1, x.shape[-1]).contiguous()
        y, mean, scale = forward(rows, weight, bias, eps, dtype)
        ctx.save_for_backward(rows, weight, mean, scale)
        return y.view(x.shape)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        from mgtta_models.norm_kernels import backward

        rows, weight, mean, scale = ctx.saved_tensors
        dx, dweight, dbias = backward(rows, dy.reshape(rows.shape).contiguous(), weight, mean, scale)
        return dx.view(dy.shape), dweight, dbias, None, None
