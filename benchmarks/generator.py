"""Time the generator's step in three implementations, in turns. Prints a table, without a verdict.

`GOMP_SPINCOUNT=3000 python -m benchmarks.generator` makes torch's threads wait as they do in the program.

The implementations, for a ViT-B's 38,400 adapted scalars: one kernel; the closed form in plain torch (the reference);
and the authors' module, which does test-time training by batched matrix products in dual form over a mini-batch of one
and whose memory also carries unused gradients. It first checks that all three give the same numbers.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from mgtta import MetaGradientGenerator
from mgtta.generator import NORM_EPS, WIDTH, meta_gradient, normalized_inputs
from mgtta_cam.bench.speed.timing import in_turns, timing

SCALARS = 38_400
Step = Callable[[Tensor], Tensor]


class Batched:
    """The authors' implementation, rewritten from what their module computes."""

    def __init__(self, generator: MetaGradientGenerator, n: int) -> None:
        self.g, self.t = generator, 0
        self.m, self.v = generator.W0.new_zeros(n), generator.W0.new_zeros(n)
        self.W, self.b = generator.W0.expand(n, 1, WIDTH, WIDTH).clone(), generator.b0.expand(n, 1, 1, WIDTH).clone()
        self.unread = torch.zeros_like(self.W), torch.zeros_like(self.b)

    def __call__(self, gradient: Tensor) -> Tensor:
        """[n] -> the generated gradient [n]."""
        g = self.g
        self.t += 1
        x, self.m, self.v = normalized_inputs(gradient, self.m, self.v, self.t)
        tokens = x.unsqueeze(1)  # [n, 1, 2]: a sequence of one
        q, k, v = ((tokens @ weight.T).unsqueeze(1) for weight in (g.Q, g.K, g.V))  # [n, 1, 1, f]
        gate = torch.sigmoid(torch.einsum("nsc,c->ns", tokens, g.w) + g.c)
        eta = ((1 + g.tau).clamp(min=0) * gate / WIDTH).reshape(-1, 1, 1, 1)
        grad = self._through_norm(k @ self.W + self.b, v - k)
        attention = torch.tril(q @ k.transpose(-2, -1))
        b_bar = self.b - torch.tril(eta) @ grad
        z = q @ self.W - (eta * attention) @ grad + b_bar
        self.W = self.W - (eta * k).transpose(-1, -2) @ grad
        self.b = self.b - torch.sum(eta * grad, dim=-2, keepdim=True)
        self.unread = torch.zeros_like(self.W), torch.zeros_like(self.b)
        h = q + self._norm(z) * g.gamma + g.beta
        return torch.tanh((self._norm(h) * g.gamma_p + g.beta_p) @ g.o.T).reshape(-1)

    def _through_norm(self, z: Tensor, target: Tensor) -> Tensor:
        mean, variance = z.mean(-1, keepdim=True), z.var(-1, keepdim=True, unbiased=False)
        spread = torch.sqrt(variance + NORM_EPS)
        normal = (z - mean) / spread
        error = (self.g.gamma * normal + self.g.beta - target) * self.g.gamma
        total, tilt = error.sum(-1, keepdim=True), (error * normal).sum(-1, keepdim=True)
        return (WIDTH * error - total - normal * tilt) / (WIDTH * spread)

    @staticmethod
    def _norm(z: Tensor) -> Tensor:
        return (z - z.mean(-1, keepdim=True)) / torch.sqrt(z.var(-1, keepdim=True, unbiased=False) + NORM_EPS)


def closed_form(generator: MetaGradientGenerator, n: int) -> Step:
    """The closed form in plain torch, the reference."""
    state = meta_gradient(generator).init({"p": generator.W0.new_zeros(n)})

    def step(gradient: Tensor) -> Tensor:
        nonlocal state
        u, state = generator.step(gradient, state)
        return u

    return step


def kernel(generator: MetaGradientGenerator, n: int) -> Step:
    """The kernel, as deployed."""
    transform = meta_gradient(generator)
    state = transform.init({"p": generator.W0.new_zeros(n)})

    def step(gradient: Tensor) -> Tensor:
        nonlocal state
        updates, state = transform.update({"p": gradient}, state)
        return updates["p"]

    return step


@torch.no_grad()
def main() -> None:
    """Check that the implementations agree, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    seconds = parser.parse_args().seconds
    generator = MetaGradientGenerator(3)
    makers = {"one kernel": kernel, "closed form, plain torch": closed_form, "the authors' way": Batched}
    ways = {name: make(generator, SCALARS) for name, make in makers.items()}
    gradients = [1e-3 * torch.randn(SCALARS, generator=torch.Generator().manual_seed(t)) for t in range(4)]
    for gradient in gradients:
        answers = [way(gradient) for way in ways.values()]
        for answer in answers[1:]:
            torch.testing.assert_close(answer, answers[0], rtol=0, atol=1e-4)
    times = in_turns({name: lambda way=way: way(gradients[0]) for name, way in ways.items()}, seconds)
    rows = {name: timing(name, ms) for name, ms in times.items()}
    base = rows["the authors' way"].median_ms
    table = Table(f"{SCALARS} scalars, {torch.get_num_threads()} threads", "ms", "spread", "times faster", "rounds")
    for name, row in rows.items():
        table.add_row(
            name, f"{row.median_ms:.2f}", f"{row.spread_ms:.2f}", f"{base / row.median_ms:.1f}", str(row.rounds)
        )
    Console().print(table)


if __name__ == "__main__":
    main()
