"""How much memory a method takes: the peak of a fresh process that does nothing else."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.bench.measure import Bench
    from app.specs import Spec

WINDOWS = 2  # the second one meets all that the first one left


def peak_of(bench: Bench, method: Spec, batch: int) -> float | None:
    """Peak resident memory in MB of a process with the model and this method, python and torch included.

    None where a process cannot be started or does not come back, as when memory runs out.
    """
    try:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            return pool.submit(_peak, bench, method, batch).result()
    except (BrokenProcessPool, OSError):
        return None


def _peak(bench: Bench, spec: Spec, batch: int) -> float:
    import torch

    from app.learning import alive
    from app.process import ignore_interrupts, peak_memory_mb

    ignore_interrupts()
    size = bench.backbone.preprocess.size
    learner = alive(bench.settings, bench.backbone, spec, batch)
    draw = torch.Generator().manual_seed(0)
    for _ in range(WINDOWS):
        learner.step(torch.randn(batch, 3, size, size, generator=draw).to(bench.backbone.device))
    return peak_memory_mb()
