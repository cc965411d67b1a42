"""GPU measurements of speed and memory."""

from __future__ import annotations

import statistics as st
import time
from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.gpu.common import Finding, answer, built, lowered, milliseconds, model
from mgtta import norm_parameters
from mgtta.adapter import Adapter
from mgtta.guard import Guarded
from mgtta.history import History
from mgtta.learned import Learned
from mgtta.memory import member
from mgtta.parameters import flatten, unflatten
from mgtta.types import Tensors, Transform
from mgtta_cam.adaptation.background import Background
from mgtta_models import graphs
from mgtta_models.precision import PRECISIONS

MB = 2**20


def speed(device: str, name: str, batch: int) -> Iterator[Finding]:
    """Measure frozen and adapted throughput, the generator's share, and the memory cost of adaptation."""
    cuda = device.startswith("cuda")
    for precision in PRECISIONS:
        if cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        backbone, x = lowered(model(name, device), precision), torch.randn(batch, 3, 224, 224, device=device)
        asked = cuda and precision == "bf16"  # the bars are for this
        method = built("mgtta", backbone)
        adapted = milliseconds(lambda m=method, x=x: m.step(x), device)
        if cuda:
            peak = torch.cuda.max_memory_allocated() / MB
            yield Finding(f"{name} {precision}: peak memory", f"{peak:.0f} MB", peak <= 5200 if asked else None)
        backbone.engine = graphs.engine(backbone, batch)
        frozen = milliseconds(lambda m=method, x=x: m.predict(x), device)
        rate, ratio = 1000 * batch / adapted, adapted / frozen
        yield Finding(f"{name} {precision} batch {batch}: frozen", f"{1000 * batch / frozen:.0f} pictures/s")
        yield Finding(
            f"{name} {precision} batch {batch}: adapted", f"{rate:.0f} pictures/s", rate >= 2500 if asked else None
        )
        yield Finding(
            f"{name} {precision} batch {batch}: adapted / frozen", f"{ratio:.2f}", ratio <= 2.1 if cuda else None
        )
        norms = {key: p.detach() for key, p in norm_parameters(backbone).items()}
        gradients = unflatten(1e-3 * torch.randn(flatten(norms).shape, device=device), norms)
        assert isinstance(method, Adapter)
        learned, transform = method.learned, method.transform
        state = learned.state.optimizer

        @torch.no_grad()
        def update(learned: Learned = learned, transform: Transform = transform, given: Tensors = gradients) -> None:
            nonlocal state
            updates, state = transform.update(given, state)
            learned.move(updates, 1e-3)

        share = 100 * milliseconds(update, device, 50) / adapted
        what = f"{name} {precision}: generator and update, share of a step"
        yield Finding(what, f"{share:.2f} %", share <= 1 if asked else None)


def waiting(device: str, name: str, batch: int) -> Iterator[Finding]:
    """Measure inference latency alone and during continuous updates, with a frame every 5 ms as in a run."""
    for precision in ("bf16", "fp32"):
        backbone = lowered(model(name, device), precision)
        predicting, learning = backbone.twin(), backbone.twin()
        predicting.engine = graphs.engine(backbone)
        learning.engine = graphs.engine(backbone, batch, first=False)
        threads = torch.get_num_threads()
        learner = Background(built("mgtta", predicting), Guarded(built("mgtta", learning)), threads)
        window = torch.randn(batch, 3, 224, 224, generator=torch.Generator().manual_seed(2)).to(device)
        members, frame = [member(i, x, 0) for i, x in enumerate(window)], torch.randn(1, 3, 224, 224)

        def answers(count: int, frame: Tensor = frame, learner: Background = learner) -> list[float]:
            times = []
            for _ in range(count):
                start = time.perf_counter()
                learner.predict(frame.to(device)).cpu()
                times.append(1000 * (time.perf_counter() - start))
                time.sleep(0.005)
            return times

        answers(20)
        alone, meanwhile, updates = answers(400), [], 0
        while len(meanwhile) < 400:
            learner.begin_update(members)
            while learner.finished_update() is None:
                given = answers(1)
                meanwhile += given if updates >= 3 else []  # the first are slower: they are recorded
            updates += 1
        learner.close()
        p99 = [st.quantiles(times, n=100)[98] for times in (alone, meanwhile)]
        what = f"{name} {precision}: p99 of inference, alone and during updates ({len(meanwhile)})"
        ok = p99[1] / p99[0] <= 1.2 if precision == "bf16" and device.startswith("cuda") else None
        yield Finding(what, f"{p99[0]:.2f}, {p99[1]:.2f} ms: {p99[1] / p99[0]:.2f}", ok)


def launches(device: str, name: str, batch: int) -> Iterator[Finding]:
    """Measure the benefit of launching inference as a graph, and of pinned memory."""
    for precision in ("fp32", "bf16"):
        backbone = lowered(model(name, device), precision)
        graphed = backbone.twin()
        graphed.engine = graphs.engine(backbone, batch)
        for size in (1, batch):
            x = torch.randn(size, 3, 224, 224, device=device)
            apart = (answer(backbone, x) - answer(graphed, x)).abs().max().item()
            one, other = (milliseconds(lambda m=m, x=x: answer(m, x), device) for m in (backbone, graphed))
            what = f"{name} {precision} batch {size}: kernel by kernel, as a graph"
            yield Finding(what, f"{one:.2f}, {other:.2f} ms ({apart:.0e} apart)", apart < 1e-3)
    if device.startswith("cuda"):
        frame = torch.zeros(1, 3, 224, 224)
        ways = (frame, frame.pin_memory())
        one, other = (milliseconds(lambda x=x: x.to(device, non_blocking=True), device, 50) for x in ways)
        yield Finding("copy a picture to the GPU, from pageable and from pinned memory", f"{one:.3f}, {other:.3f} ms")


def rollback(device: str, name: str) -> Iterator[Finding]:
    """Measure how long a rollback to a snapshot of the learned state takes."""
    method, history = built("mgtta", model(name, device)), History()
    method.step(torch.randn(2, 3, 224, 224, device=device))

    def back() -> None:
        history.take(method, 1)
        history.undo(method)

    took, both = (milliseconds(work, device) for work in (lambda: history.take(method, 1), back))
    yield Finding(f"{name}: take a snapshot; take one and roll back", f"{took:.2f} and {both:.2f} ms")
