"""Measure the memory of a piece of work: the peak of a fresh process that does nothing else."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from mgtta_cam.metrics.memory import ignore_interrupts, peak_memory_mb


def peak_of(work: Callable[[], object]) -> float | None:
    """Peak resident memory in MB of a process that does the work, including Python and torch.

    Returns:
        None if the process cannot be started or dies, for example because memory runs out.

    Args:
        work: the work, picklable.
    """
    try:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            return pool.submit(_peak, work).result()
    except (BrokenProcessPool, OSError):
        return None


def _peak(work: Callable[[], object]) -> float:
    ignore_interrupts()
    work()
    return peak_memory_mb()
