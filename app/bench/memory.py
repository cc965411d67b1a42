"""How much memory a method takes: the peak of a fresh process that does nothing else."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.bench.cells import Cell
    from app.bench.measure import Bench

WINDOWS = 2  # the second one meets all that the first one left


def peak_of(bench: Bench, cell: Cell) -> float | None:
    """Peak resident memory in MB of a process that begins a cell, python and torch included.

    None where a process cannot be started or does not come back, as when memory runs out.
    """
    try:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            return pool.submit(_peak, bench, cell).result()
    except (BrokenProcessPool, OSError):
        return None


def _peak(bench: Bench, cell: Cell) -> float:
    from app.process import ignore_interrupts, peak_memory_mb

    ignore_interrupts()
    bench.measure(cell, WINDOWS)
    return peak_memory_mb()
