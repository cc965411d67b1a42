"""The Meta Gradient Generator (MGG): a learned optimizer that remembers gradients in its own weights.

Learning to Generate Gradients for Test-Time Adaptation via Test-Time Training Layers (arXiv 2412.16901), Eqns. 1-4.
Each adapted scalar has a memory of its own, a linear layer (W, b) of width 8, which one gradient step of a
reconstruction loss updates at each use (the gradient memory layer, GML); 164 shared numbers say how to write and read.

Departures, all as in the authors' code: the input is not the gradient but momentum and gradient, both divided by the
root of the second moment; bias corrections use exponent t + 1 at step t; the inner model is residual with a shared
layer norm; the initial memory is learned and shared. The memory's step is written in closed form, and deployed as one
kernel (`mgtta.kernels`): equal up to rounding to the authors' batched module.

Notation: n adapted scalars, f = 8 memory width.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mgtta.kernels.choice import generating, memorizing
from mgtta.parameters import unflatten, vector
from mgtta.types import Tensors, Transform
from mgtta_models import ModelError

WIDTH = 8
BETA1, BETA2, INPUT_EPS = 0.9, 0.99, 1e-8
NORM_EPS = 1e-6

# symbol -> the authors' name and shape
OFFICIAL: dict[str, tuple[str, tuple[int, ...]]] = {
    "tau": ("learnable_token_idx", (1,)),
    "w": ("learnable_ttt_lr_weight", (1, 1, 2)),
    "c": ("learnable_ttt_lr_bias", (1, 1)),
    "gamma": ("ttt_norm_weight", (1, WIDTH)),
    "beta": ("ttt_norm_bias", (1, WIDTH)),
    "W0": ("W1", (1, WIDTH, WIDTH)),
    "b0": ("b1", (1, 1, WIDTH)),
    "Q": ("q_proj.weight", (WIDTH, 2)),
    "K": ("k_proj.weight", (WIDTH, 2)),
    "V": ("v_proj.weight", (WIDTH, 2)),
    "o": ("o_proj.weight", (1, WIDTH)),
    "gamma_p": ("post_norm.weight", (WIDTH,)),
    "beta_p": ("post_norm.bias", (WIDTH,)),
}
PREFIX = "seq_modeling_block."


class GradientMemory(NamedTuple):
    """All that the generator remembers of a stream."""

    m: Tensor  # [n] first moment of the gradients
    v: Tensor  # [n] second moment
    W: Tensor  # [n, f, f] fast weights
    b: Tensor  # [n, f] fast biases
    t: Tensor  # [] int64 on the CPU, steps since the last reset


class MetaGradientGenerator(nn.Module):
    """The 164 shared numbers, and one step of the gradient memory layer.

    Args:
        seed: of the random initialization, which is that of the authors' module.

    Example:
        >>> generator = MetaGradientGenerator(seed=0)
        >>> sum(p.numel() for p in generator.parameters())
        164
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(seed)

        def normal(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(shape, generator=draw) * 0.02)

        def uniform(*shape: int) -> nn.Parameter:
            return nn.Parameter((torch.rand(shape, generator=draw) * 2 - 1) / math.sqrt(shape[-1]))

        self.tau = nn.Parameter(torch.zeros(1))  # scale of the inner learning rate
        self.w, self.c = normal(2), nn.Parameter(torch.zeros(1))  # gate of the inner learning rate
        self.gamma, self.beta = nn.Parameter(torch.ones(WIDTH)), nn.Parameter(torch.zeros(WIDTH))
        self.W0, self.b0 = normal(WIDTH, WIDTH), normal(WIDTH)  # memory at step zero
        self.Q, self.K, self.V = uniform(WIDTH, 2), uniform(WIDTH, 2), uniform(WIDTH, 2)
        self.o = uniform(1, WIDTH)
        self.gamma_p, self.beta_p = nn.Parameter(torch.ones(WIDTH)), nn.Parameter(torch.zeros(WIDTH))

    def forward(self, x: Tensor, W: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Writes the input to the memory, then reads the answer from it.

        Args:
            x: [n, 2] normalized momentum and gradient.
            W: [n, f, f] fast weights, row vectors times W.
            b: [n, f].

        Returns:
            u [n], the generated gradient in (-1, 1), and the memory after the step.
        """
        q, k, v = x @ self.Q.T, x @ self.K.T, x @ self.V.T  # [n, f] each
        eta = self.inner_rate(x).unsqueeze(1)
        qW, kW = torch.stack((q, k), dim=1).bmm(W).unbind(dim=1)  # one read of the memory serves both
        n, s = _normalize(kW + b)
        p = (self.gamma * n + self.beta - (v - k)) * self.gamma  # the layer's target is v - k: it is residual
        d = eta * (p - p.mean(1, keepdim=True) - n * (p * n).mean(1, keepdim=True)) / s  # eta times dloss/d(kW + b)
        Z = qW + b - (1 + (q * k).sum(1, keepdim=True)) * d  # q through the updated memory
        h = q + self.gamma * _normalize(Z)[0] + self.beta
        u = torch.tanh((self.gamma_p * _normalize(h)[0] + self.beta_p) @ self.o[0])
        return u, torch.addcmul(W, k.unsqueeze(2), d.unsqueeze(1), value=-1), b - d

    def inner_rate(self, x: Tensor) -> Tensor:
        """The rate at which an input [n, 2] is memorized: eta [n], 0 or more."""
        return (1 + self.tau).clamp(min=0) * torch.sigmoid(x @ self.w + self.c) / WIDTH

    def step(self, g: Tensor, memory: GradientMemory) -> tuple[Tensor, GradientMemory]:
        """One differentiable step, moments included: gradients [n] -> u [n], and the memory after the step."""
        x, m, v = normalized_inputs(g, memory.m, memory.v, int(memory.t) + 1)
        u, W, b = self(x, memory.W, memory.b)
        return u, GradientMemory(m, v, W, b, memory.t + 1)

    @torch.no_grad()
    def deployed(self, g: Tensor, memory: GradientMemory) -> tuple[Tensor, GradientMemory]:
        """`step` by the fastest kernel there is: equal up to rounding, not differentiable, in place where it can.

        Where there is a kernel, the memory that comes back is laid out for it: [f, f, n], seen as [n, f, f].
        """
        m, v, W, b, t = memory
        memorize, generate = memorizing(W), generating(W)
        if memorize is None and generate is None:
            return self.step(g, memory)
        W, b = W.permute(1, 2, 0).contiguous(), b.T.contiguous()  # copies at the first step only
        weights = [w.detach() for w in (self.Q, self.K, self.V, self.gamma, self.beta, self.gamma_p, self.beta_p)]
        weights.append(self.o[0].detach())
        if memorize is not None:
            x, m, v = normalized_inputs(g, m, v, int(t) + 1)
            u = memorize(x.T.contiguous(), self.inner_rate(x), W, b, weights, NORM_EPS).tanh_()
        else:
            assert generate is not None
            weights += [w.detach() for w in (self.w, self.c, self.tau)]
            rates, eps = (BETA1, BETA2), (NORM_EPS, INPUT_EPS)
            u = generate(g.contiguous(), (m, v), W, b, weights, rates, corrections(int(t) + 1), eps)
        return u, GradientMemory(m, v, W.permute(2, 0, 1), b.T, t + 1)

    def begin(self, parameters: Tensors) -> GradientMemory:
        """The memory of step zero for parameters with n scalars in all; differentiable."""
        like, n = self.b0, sum(parameter.numel() for parameter in parameters.values())
        W, b = self.W0.expand(n, WIDTH, WIDTH).clone(), like.expand(n, WIDTH).clone()
        return GradientMemory(like.new_zeros(n), like.new_zeros(n), W, b, torch.zeros((), dtype=torch.int64))

    def transform(self) -> Transform:
        """This generator as a deployed optimizer: `meta_gradient`."""
        return meta_gradient(self)

    def differentiable(self) -> Transform:
        """This generator as an optimizer to train: `differentiable_meta_gradient`."""
        return differentiable_meta_gradient(self)

    @classmethod
    def from_official(cls, mapping: Mapping[str, Tensor]) -> MetaGradientGenerator:
        """From the authors' 13 arrays by their names, with or without the prefix `seq_modeling_block.`.

        Raises:
            ModelError: if an array is missing or has another shape.
        """
        arrays = {name.removeprefix("module.").removeprefix(PREFIX): torch.as_tensor(a) for name, a in mapping.items()}
        generator = cls()
        for symbol, (name, shape) in OFFICIAL.items():
            if name not in arrays:
                raise ModelError(
                    f"a generator has {len(OFFICIAL)} arrays; {name} is missing (found: {', '.join(arrays)[:120]})"
                )
            if arrays[name].numel() != math.prod(shape):
                raise ModelError(f"a generator's {name} has shape {list(shape)}; got {list(arrays[name].shape)}")
            parameter = generator.get_parameter(symbol)
            parameter.data = arrays[name].detach().clone().float().reshape(parameter.shape)
        return generator

    def official(self) -> dict[str, Tensor]:
        """Copies of the 13 arrays by the authors' names and shapes."""
        return {
            PREFIX + name: self.get_parameter(symbol).detach().clone().reshape(shape)
            for symbol, (name, shape) in OFFICIAL.items()
        }


def meta_gradient(generator: MetaGradientGenerator) -> Transform:
    """The generator as an optimizer for deployment: gradients in, updates in (-1, 1) out, not yet times the rate.

    The step is computed by a compiled kernel where there is one, and never differentiated, whether gradients are
    enabled or not. `update` may change the state it is given in place. Moments and memory are float32.

    Args:
        generator: pre-trained; it is not changed.

    Returns:
        `init(params)` -> state, `update(gradients, state)` -> (updates, state).

    Example:
        >>> optimizer = meta_gradient(MetaGradientGenerator(seed=0))
        >>> gradients = {"norm.weight": torch.tensor([0.5, -2.0])}
        >>> state = optimizer.init(gradients)
        >>> updates, state = optimizer.update(gradients, state)
        >>> list(updates), int(state.t), bool((updates["norm.weight"].abs() < 1).all())
        (['norm.weight'], 1, True)
    """

    trial: list[Future[Any]] = []  # the kernel's first use, where it is under way

    @torch.no_grad()
    def init(parameters: Tensors) -> GradientMemory:
        memory = generator.begin(parameters)
        *parts, t = memory
        m, v, W, b = (part[:1].clone() for part in parts)
        tried = partial(generator.deployed, torch.zeros_like(m), GradientMemory(m, v, W, b, t))
        if m.device.type == "cpu":
            trial[:] = [_thread().submit(tried)]  # imports and compiles, if need be, while the first pictures come
        else:
            tried()
        return memory

    def update(gradients: Tensors, state: GradientMemory) -> tuple[Tensors, GradientMemory]:
        if trial:
            trial.pop().result()
        u, state = generator.deployed(vector(gradients).detach().to(state.m), state)
        return unflatten(u, gradients), state

    return Transform(init, update)


@cache
def _thread() -> ThreadPoolExecutor:
    """Where kernels are tried, one after another."""
    return ThreadPoolExecutor(1, "mgtta kernels")


def differentiable_meta_gradient(generator: MetaGradientGenerator) -> Transform:
    """The generator as an optimizer for pre-training: the same numbers, with a graph back to the generator.

    A state is never changed in place. The gradients that come in are constants.
    """

    def update(gradients: Tensors, state: GradientMemory) -> tuple[Tensors, GradientMemory]:
        u, state = generator.step(vector(gradients).detach().to(state.m), state)
        return unflatten(u, gradients), state

    return Transform(generator.begin, update)


def normalized_inputs(g: Tensor, m: Tensor, v: Tensor, t: int) -> tuple[Tensor, Tensor, Tensor]:
    """Gradient g and moments m, v [n] at step t = 1, 2, ... -> the generator's input, and both moments after the step.

    The input [n, 2] is momentum and gradient over the root of the second moment.
    """
    m = BETA1 * m + (1 - BETA1) * g
    v = BETA2 * v + (1 - BETA2) * g.square()
    first, second = corrections(t)
    r = (v / second).sqrt() + INPUT_EPS
    return torch.stack((m / first / r, g / r), dim=1), m, v


def corrections(t: int) -> tuple[float, float]:
    """What both moments are divided by at step t = 1, 2, ...: with exponent t + 1, one step ahead of Adam's."""
    return 1 - BETA1 ** (t + 1), 1 - BETA2 ** (t + 1)


def _normalize(z: Tensor) -> tuple[Tensor, Tensor]:
    """[n, f] -> rows of mean 0 and spread 1, and the spreads [n, 1] that they were divided by."""
    variance, mean = torch.var_mean(z, dim=1, correction=0, keepdim=True)
    s = (variance + NORM_EPS).sqrt()
    return (z - mean) / s, s
