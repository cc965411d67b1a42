"""The compiled steps of the gradient memory layer against the reference, `MetaGradientGenerator.forward`."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from mgtta import MetaGradientGenerator, meta_gradient
from mgtta.generator import WIDTH, GradientMemory, normalized_inputs
from mgtta.kernels import cpu
from mgtta.kernels.choice import generating, memorizing
from tests.arithmetic import exact
from tests.interpreted import interpreted

N = 2 * cpu.SHARE + cpu.BLOCK + 7  # two threads' worth, and an odd rest


def deployed(n: int, steps: int = 4, generator: MetaGradientGenerator | None = None) -> tuple[Tensor, GradientMemory]:
    """The last updates, and the memory, after some steps of random gradients."""
    generator = generator or generic()
    transform, device = meta_gradient(generator), generator.b0.device
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        state = transform.init({"p": torch.zeros(n, device=device)})
        updates: Any = {}
        for _ in range(steps):
            updates, state = transform.update({"p": (torch.randn(n, generator=draw) * 1e-3).to(device)}, state)
    return updates["p"], state


def generic(seed: int = 3) -> MetaGradientGenerator:
    """One whose layer norms see generic numbers: those of the initial weights are nearly constant."""
    generator = MetaGradientGenerator(seed)
    draw = torch.Generator().manual_seed(seed)
    for parameter in generator.parameters():
        parameter.data = parameter + 0.5 * torch.randn(parameter.shape, generator=draw)
    return generator


def reference(n: int, steps: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """The same steps in float64, by the plain module."""
    generator = generic().double()
    draw = torch.Generator().manual_seed(1)
    m = v = torch.zeros(n, dtype=torch.float64)
    W, b = generator.W0.expand(n, -1, -1), generator.b0.expand(n, -1)
    u = m
    with torch.no_grad():
        for t in range(1, steps + 1):
            g = torch.randn(n, generator=draw).mul(1e-3).double()
            x, m, v = normalized_inputs(g, m, v, t)
            u, W, b = generator(x, W, b)
    return u, W, b


@pytest.mark.parametrize("n", [1, 7, cpu.BLOCK, N])
def test_cpu_equals_the_reference(n: int) -> None:
    """Answers and memory, for fewer scalars than a block and for several threads'."""
    u, state = deployed(n)
    for ours, theirs in zip((u, state.W, state.b), exact(lambda: reference(n), terms=WIDTH).values(), strict=True):
        theirs.assert_near(ours)


def test_threads_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one bit: a log is replayed with any number of threads."""
    runs = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        runs.append(deployed(N))
    for u, state in runs[1:]:
        assert torch.equal(u, runs[0][0])
        assert torch.equal(state.W, runs[0][1].W)


def test_a_memory_of_any_layout_goes_on() -> None:
    """A copy in the order of its shape, as a file has it, continues as the kernel's own."""
    transform, gradients = meta_gradient(generic()), {"p": torch.linspace(-1, 1, 50)}
    _, state = deployed(50)
    copy = GradientMemory(*(tensor.contiguous(memory_format=torch.contiguous_format).clone() for tensor in state))
    assert copy.W.stride() != state.W.stride()
    with torch.no_grad():
        torch.testing.assert_close(
            transform.update(gradients, copy)[0], transform.update(gradients, state)[0], rtol=0, atol=0
        )


def test_other_types_take_the_reference() -> None:
    """Kernels are of float32; a generator in float64 still deploys."""
    double = torch.zeros(1, dtype=torch.float64)
    assert memorizing(double) is None
    assert generating(double) is None
    _, state = deployed(9, generator=generic().double())
    assert state.W.dtype == torch.float64


INTERPRETED = """
from tests.arithmetic import exact
from tests.mgtta.test_kernels import deployed, reference
from mgtta.kernels import cuda
from mgtta import generator
generator.memorizing, generator.generating = lambda like: None, lambda like: cuda.generate
n = 2 * cuda.LANES + 3
u, state = deployed(n)
for ours, theirs in zip((u, state.W, state.b), exact(lambda: reference(n), terms=generator.WIDTH).values()):
    theirs.assert_near(ours)
print("equal")
"""


@pytest.mark.slow
def test_triton_equals_the_reference() -> None:
    """In Triton's interpreter, which needs no GPU; `make gpu-check` compares the compiled kernel."""
    run = interpreted(INTERPRETED)
    assert run.stdout.strip() == "equal", run.stderr[-2000:]
