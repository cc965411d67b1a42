"""A step of the generator on CUDA, compiled by Triton: each program holds the memory of a few scalars in registers.

From gradients to generated ones, moments included, in one launch: what takes the time here is to launch.

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


def generate(
    g: Tensor,
    moments: tuple[Tensor, Tensor],
    W: Tensor,
    b: Tensor,
    weights: Sequence[Tensor],
    rates: tuple[float, float],
    corrections: tuple[float, float],
    eps: tuple[float, float],
) -> Tensor:
    """A generator's step, by the symbols of `mgtta.generator`; moments and memory change in place.

    Args:
        g: [n] gradients.
        moments: [n] first and second.
        W: [f, f, n], the memory of scalar r is W[:, :, r].
        b: [f, n].
        weights: Q, K, V [f, 2], gamma, beta, gamma_p, beta_p, o [f], w [2], c, tau [1].
        rates: beta1, beta2 of the moments.
        corrections: of both moments' bias, what they are divided by.
        eps: of the norms, and of the input.

    Returns:
        u [n], in (-1, 1).
    """
    u = torch.empty_like(g)
    n, f = len(g), len(b)
    step: Any = _generate[(triton.cdiv(n, LANES),)]
    shares = (share for beta in rates for share in (beta, 1 - beta))
    step(g, *moments, W, b, *weights, u, n, *shares, *corrections, *eps, f, LANES, enable_fp_fusion=True)
    return u.tanh_()


@triton.jit
def _generate(
    g_at,
    m_at,
    v_at,
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
    w_at,
    c_at,
    tau_at,
    u_at,
    n,
    beta1,
    rate1,
    beta2,
    rate2,
    correction1,
    correction2,
    eps,
    input_eps,
    f: tl.constexpr,
    lanes: tl.constexpr,
) -> None:
    """The scalars of one program, in the order and symbols of `MetaGradientGenerator.forward`."""
    r = tl.program_id(0) * lanes + tl.arange(0, lanes)
    j = tl.arange(0, f)
    inside = r < n
    rows = j[:, None] * n + r[None, :]  # [f, r]
    cells = j[:, None, None] * (f * n) + rows[None, :, :]  # [f, f, r]
    g = tl.load(g_at + r, inside, 0.0)
    m = beta1 * tl.load(m_at + r, inside, 0.0) + rate1 * g
    v = beta2 * tl.load(v_at + r, inside, 0.0) + rate2 * g * g
    root = tl.sqrt_rn(tl.div_rn(v, correction2)) + input_eps
    tl.store(m_at + r, m, inside)
    tl.store(v_at + r, v, inside)
    momentum, gradient = tl.div_rn(tl.div_rn(m, correction1), root)[None, :], tl.div_rn(g, root)[None, :]
    gate = tl.sigmoid(tl.load(w_at) * momentum + tl.load(w_at + 1) * gradient + tl.load(c_at))
    eta = tl.maximum(1 + tl.load(tau_at), 0.0) * gate / f
    b = tl.load(b_at + rows, inside[None, :], 0.0)
    W = tl.load(W_at + cells, inside[None, None, :], 0.0)
    q = _row(Q_at, 2 * j) * momentum + _row(Q_at, 2 * j + 1) * gradient
    k = _row(K_at, 2 * j) * momentum + _row(K_at, 2 * j + 1) * gradient
    value = _row(V_at, 2 * j) * momentum + _row(V_at, 2 * j + 1) * gradient
    gamma, beta = _row(gamma_at, j), _row(beta_at, j)
    normal, s = _normalize(tl.sum(k[:, None, :] * W, 0) + b, eps, f)
    p = (gamma * normal + beta - (value - k)) * gamma
    tilt = tl.sum(p * normal, 0)[None, :] / f
    d = _over(eta * (p - tl.sum(p, 0)[None, :] / f - normal * tilt), s)
    reach = 1 + tl.sum(q * k, 0)[None, :]
    z, _ = _normalize(tl.sum(q[:, None, :] * W, 0) + b - reach * d, eps, f)
    h, _ = _normalize(q + gamma * z + beta, eps, f)
    answer = tl.sum((_row(gamma_p_at, j) * h + _row(beta_p_at, j)) * _row(o_at, j), 0)
    tl.store(u_at + r, answer, inside)
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
    s = tl.sqrt_rn(tl.sum(rows * rows, 0)[None, :] / f + eps)
    return _over(rows, s), s


@triton.jit
def _over(rows, s):
    """[f, r] over [1, r], rounded as torch does it: a plain division is a guess with an error of two last bits."""
    rows, s = tl.broadcast(rows, s)
    return tl.div_rn(rows, s)
