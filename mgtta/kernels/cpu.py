"""The gradient memory layer on the CPU, compiled by numba.

Scalars are worked on in blocks, so that all that is made of a block stays in the processor's nearest caches; within it
each loop runs over neighbors in memory, which the compiler turns into vector instructions. No sum runs across scalars
and none is reordered: the number of threads changes no bit.

Notation: f = 8 memory width, n adapted scalars, r scalars of a block.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mgtta.compiled import compile_loop

BLOCK = 1024  # scalars
SHARE = 8 * BLOCK  # scalars that are worth a thread
Floats = NDArray[np.float32]


def memorize(x: Tensor, eta: Tensor, W: Tensor, b: Tensor, weights: Sequence[Tensor], eps: float) -> Tensor:
    """Memorizes the inputs in place, then answers from the memory; on as many threads as torch takes, at most.

    Args:
        x: [2, n] normalized momentum and gradient; float32, contiguous, as all tensors here.
        eta: [n] inner learning rate.
        W: [f, f, n] fast weights, changed.
        b: [f, n] fast biases, changed.
        weights: Q, K, V [f, 2], gamma, beta, gamma_p, beta_p, o [f].
        eps: of the layer norms.

    Returns:
        [n], the answers before tanh.
    """
    answers = torch.empty_like(eta)
    arrays = [tensor.numpy() for tensor in (x, eta, W, b, *weights, answers)]
    n = len(eta)
    threads = max(1, min(torch.get_num_threads(), n // SHARE))
    edges = [*(part * (n // BLOCK) // threads * BLOCK for part in range(threads)), n]

    def work(part: int) -> None:
        _memorize(edges[part], edges[part + 1], *arrays, np.float32(eps))

    others = [_pool().submit(work, part) for part in range(1, threads)]
    work(0)
    for other in others:
        other.result()
    return answers


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_name_prefix="mgtta memory")


@compile_loop
def _add(out: Floats, x: Floats) -> None:
    for r in range(len(out)):
        out[r] += x[r]


@compile_loop
def _add_product(out: Floats, x: Floats, y: Floats) -> None:
    for r in range(len(out)):
        out[r] += x[r] * y[r]


@compile_loop
def _subtract_product(out: Floats, x: Floats, y: Floats) -> None:
    for r in range(len(out)):
        out[r] -= x[r] * y[r]


@compile_loop
def _combine(out: Floats, a: float, x: Floats, b: float, y: Floats) -> None:
    for r in range(len(out)):
        out[r] = a * x[r] + b * y[r]


@compile_loop
def _error(v: Floats, n: Floats, k: Floats, gamma: float, beta: float) -> None:
    """Of one row: what the layer should have answered, v - k, becomes its error times gamma."""
    for r in range(len(v)):
        v[r] = (gamma * n[r] + beta - (v[r] - k[r])) * gamma


@compile_loop
def _gradient(p: Floats, n: Floats, mean: Floats, tilt: Floats, eta: Floats, s: Floats, f: int) -> None:
    """Of one row: back through the layer norm, times the inner rate; `mean` and `tilt` are sums over rows."""
    for r in range(len(p)):
        p[r] = eta[r] * (p[r] - mean[r] / f - n[r] * tilt[r] / f) / s[r]


@compile_loop
def _center(row: Floats, total: Floats, squares: Floats, f: int) -> None:
    for r in range(len(row)):
        row[r] -= total[r] / f
        squares[r] += row[r] * row[r]


@compile_loop
def _spread(squares: Floats, f: int, eps: float) -> None:
    for r in range(len(squares)):
        squares[r] = np.sqrt(squares[r] / f + eps)


@compile_loop
def _normalize(rows: Floats, mean: Floats, s: Floats, eps: float) -> None:
    """[f, r] -> mean 0 and spread 1 down each column; s [r] becomes the spreads."""
    f = len(rows)
    mean[:] = 0
    s[:] = 0
    for j in range(f):
        _add(mean, rows[j])
    for j in range(f):
        _center(rows[j], mean, s, np.float32(f))
    _spread(s, np.float32(f), eps)
    for j in range(f):
        for r in range(len(s)):
            rows[j, r] /= s[r]


@compile_loop
def _memorize(
    first: int,
    last: int,
    x: Floats,
    eta: Floats,
    W: Floats,
    b: Floats,
    Q: Floats,
    K: Floats,
    V: Floats,
    gamma: Floats,
    beta: Floats,
    gamma_p: Floats,
    beta_p: Floats,
    o: Floats,
    answers: Floats,
    eps: float,
) -> None:
    """Scalars from `first` to `last`, in the order and symbols of `MetaGradientGenerator.forward`."""
    f = len(b)
    scratch = np.empty(((5 * f + 4) * BLOCK,), np.float32)
    for start in range(first, last, BLOCK):
        end = min(start + BLOCK, last)
        r = end - start
        blocks = scratch[: 5 * f * r].reshape((5, f, r))
        q, k, Z, h, d = blocks[0], blocks[1], blocks[2], blocks[3], blocks[4]
        rows = scratch[5 * f * r : (5 * f + 4) * r].reshape((4, r))
        s, mean, tilt, reach = rows[0], rows[1], rows[2], rows[3]
        momentum, gradient, u = x[0, start:end], x[1, start:end], answers[start:end]
        reach[:] = 1  # 1 + q k: how far q is from k, times the step
        for j in range(f):
            _combine(q[j], Q[j, 0], momentum, Q[j, 1], gradient)
            _combine(k[j], K[j, 0], momentum, K[j, 1], gradient)
            _add_product(reach, q[j], k[j])
            Z[j] = b[j, start:end]
            h[j] = b[j, start:end]
        for j in range(f):
            for i in range(f):
                _add_product(Z[j], k[i], W[i, j, start:end])
                _add_product(h[j], q[i], W[i, j, start:end])
        _normalize(Z, mean, s, eps)
        mean[:] = 0
        tilt[:] = 0
        for j in range(f):
            _combine(d[j], V[j, 0], momentum, V[j, 1], gradient)
            _error(d[j], Z[j], k[j], gamma[j], beta[j])
            _add(mean, d[j])
            _add_product(tilt, d[j], Z[j])
        for j in range(f):
            _gradient(d[j], Z[j], mean, tilt, eta[start:end], s, np.float32(f))
            b[j, start:end] -= d[j]
            _subtract_product(h[j], reach, d[j])
        for i in range(f):
            for j in range(f):
                _subtract_product(W[i, j, start:end], k[i], d[j])
        _normalize(h, mean, s, eps)
        for j in range(f):
            for r in range(end - start):
                h[j, r] = q[j, r] + gamma[j] * h[j, r] + beta[j]
        _normalize(h, mean, s, eps)
        u[:] = 0
        for j in range(f):
            for r in range(end - start):
                u[r] += (gamma_p[j] * h[j, r] + beta_p[j]) * o[j]
