"""The kernels of `mgtta_models.norms`, compiled by Triton.

Notation: n tokens, d width.
"""
# Tiles are indexed as arrays are, which Triton's own types do not know:
# pyright: reportArgumentType=false

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

PROGRAMS = 512  # of the backward pass: each sums its tokens' gradients by weight and bias


def forward(x: Tensor, weight: Tensor, bias: Tensor, eps: float, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """[n, d] -> y [n, d], and the tokens' means and scales, one over their spreads [n]."""
    y, (mean, scale) = torch.empty_like(x, dtype=dtype), weight.new_empty(2, len(x))
    step: Any = _forward[(len(x),)]
    step(x, weight, bias, y, mean, scale, eps, *_widths(x), enable_fp_fusion=True)
    return y, mean, scale


def backward(x: Tensor, dy: Tensor, weight: Tensor, mean: Tensor, scale: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What `forward` was given and gave, and the gradient by y [n, d] -> by x [n, d], weight and bias [d]."""
    count = min(PROGRAMS, len(x))
    dx, parts = torch.empty_like(x), weight.new_empty(2, count, x.shape[1])
    step: Any = _backward[(count,)]
    step(x, dy, weight, mean, scale, dx, *parts, len(x), count, *_widths(x), enable_fp_fusion=True)
    dweight, dbias = parts.sum(dim=1)
    return dx, dweight, dbias


def _widths(x: Tensor) -> tuple[int, int]:
    return x.shape[1], triton.next_power_of_2(x.shape[1])


@triton.jit
def _forward(x_at, weight_at, bias_at, y_at, mean_at, scale_at, eps, d: tl.constexpr, width: tl.constexpr) -> None:
    """A token: y [d], its mean, and one over its spread."""
    r = tl.program_id(0)
    j = tl.arange(0, width)
    inside = j < d
    x = tl.load(x_at + r * d + j, inside, 0.0).to(tl.float32)
    mean = tl.sum(x, 0) / d
    off = tl.where(inside, x - mean, 0.0)
    scale = tl.div_rn(1.0, tl.sqrt_rn(tl.sum(off * off, 0) / d + eps))
    y = off * scale * tl.load(weight_at + j, inside, 0.0) + tl.load(bias_at + j, inside, 0.0)
    tl.store(y_at + r * d + j, y.to(y_at.dtype.element_ty), inside)
    tl.store(mean_at + r, mean)
    tl.store(scale_at + r, scale)


@triton.jit
def _backward(
    x_at,
    dy_at,
    weight_at,
    mean_at,
    scale_at,
    dx_at,
    dweight_at,
    dbias_at,
    n,
    count,
    d: tl.constexpr,
    width: tl.constexpr,
) -> None:
    """Every count-th token: dx [n, d], and this program's part of dweight and dbias [count, d]."""
    p = tl.program_id(0)
    j = tl.arange(0, width)
    inside = j < d
    weight = tl.load(weight_at + j, inside, 0.0)
    dweight = tl.zeros([width], tl.float32)
    dbias = tl.zeros([width], tl.float32)
    for r in range(p, n, count):
        at = r * d + j
        scale = tl.load(scale_at + r)
        normal = tl.where(inside, (tl.load(x_at + at, inside, 0.0).to(tl.float32) - tl.load(mean_at + r)) * scale, 0.0)
        dy = tl.load(dy_at + at, inside, 0.0).to(tl.float32)
        g = dy * weight
        dx = (g - tl.sum(g, 0) / d - normal * (tl.sum(g * normal, 0) / d)) * scale
        tl.store(dx_at + at, dx.to(dx_at.dtype.element_ty), inside)
        dweight += dy * normal
        dbias += dy
    tl.store(dweight_at + p * d + j, dweight, inside)
    tl.store(dbias_at + p * d + j, dbias, inside)
