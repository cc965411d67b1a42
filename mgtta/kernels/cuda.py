"""The gradient memory layer on CUDA, compiled by Triton: each program holds the memory of a few scalars in registers.

Notation: f = 8 memory width, n adapted scalars, r scalars of a program.
"""
# Tiles are indexed as arrays are, which Triton's own types do not know:
# pyright: reportArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

LANES = 64  # scalars of a program


def memorize(x: Tensor, eta: Tensor, W: Tensor, b: Tensor, weights: Sequence[Tensor], eps: float) -> Tensor:
    """As `mgtta.kernels.cpu.memorize`, for tensors on a GPU."""
    answers = torch.empty_like(eta)
    n, f = len(eta), len(b)
    step: Any = _memorize[(triton.cdiv(n, LANES),)]
    step(x, eta, W, b, *weights, answers, n, eps, f, LANES)
    return answers


@triton.jit
def _memorize(
    x_at,
    eta_at,
    W_at,
    b_at,
    Q_at,
    K_at,
    V_at,
    gamma_at,
    beta_at,
    gamma_p_at,
    beta_p_at,
    o_at,
    answers_at,
    n,
    eps,
    f: tl.constexpr,
    lanes: tl.constexpr,
) -> None:
    """The scalars of one program, in the order and symbols of `MetaGradientGenerator.forward`."""
    r = tl.program_id(0) * lanes + tl.arange(0, lanes)
    j = tl.arange(0, f)
    inside = r < n
    rows = j[:, None] * n + r[None, :]  # [f, r]
    cells = j[:, None, None] * (f * n) + rows[None, :, :]  # [f, f, r]
    momentum = tl.load(x_at + r, inside, 0.0)[None, :]
    gradient = tl.load(x_at + n + r, inside, 0.0)[None, :]
    eta = tl.load(eta_at + r, inside, 0.0)[None, :]
    b = tl.load(b_at + rows, inside[None, :], 0.0)
    W = tl.load(W_at + cells, inside[None, None, :], 0.0)
    q = _row(Q_at, 2 * j) * momentum + _row(Q_at, 2 * j + 1) * gradient
    k = _row(K_at, 2 * j) * momentum + _row(K_at, 2 * j + 1) * gradient
    v = _row(V_at, 2 * j) * momentum + _row(V_at, 2 * j + 1) * gradient
    gamma, beta = _row(gamma_at, j), _row(beta_at, j)
    normal, s = _normalize(tl.sum(k[:, None, :] * W, 0) + b, eps, f)
    p = (gamma * normal + beta - (v - k)) * gamma
    tilt = tl.sum(p * normal, 0)[None, :] / f
    d = eta * (p - tl.sum(p, 0)[None, :] / f - normal * tilt) / s
    reach = 1 + tl.sum(q * k, 0)[None, :]
    z, _ = _normalize(tl.sum(q[:, None, :] * W, 0) + b - reach * d, eps, f)
    h, _ = _normalize(q + gamma * z + beta, eps, f)
    answer = tl.sum((_row(gamma_p_at, j) * h + _row(beta_p_at, j)) * _row(o_at, j), 0)
    tl.store(answers_at + r, answer, inside)
    tl.store(b_at + rows, b - d, inside[None, :])
    tl.store(W_at + cells, W - k[:, None, :] * d[None, :, :], inside[None, None, :])


@triton.jit
def _row(at, j):
    """[f] shared numbers as a column beside all scalars."""
    return tl.load(at + j)[:, None]


@triton.jit
def _normalize(rows, eps, f: tl.constexpr):
    """[f, r] -> mean 0 and spread 1 down each column, and the spreads [1, r]."""
    rows -= tl.sum(rows, 0)[None, :] / f
    s = tl.sqrt(tl.sum(rows * rows, 0)[None, :] / f + eps)
    return rows / s, s
