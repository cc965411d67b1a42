"""Time things in turns, so that all of them run under the same conditions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Act = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Timing:
    """The duration of something."""

    what: str
    runtime: str  # torch, onnx; - if no model runs
    precision: str
    batch: int
    median_ms: float
    spread_ms: float  # interquartile range
    rounds: int


def in_turns(
    acts: Mapping[str, Act], seconds: float, least: int = 3, settle: Act = lambda: None
) -> dict[str, list[float]]:
    """Time each act once per round, after one untimed round, until the time is spent; returns milliseconds by name.

    Args:
        acts: what to time, by name.
        seconds: time for all acts together.
        least: minimum number of rounds.
        settle: called before each reading of the clock, to wait for a GPU.
    """
    times: dict[str, list[float]] = {name: [] for name in acts}
    for act in acts.values():
        act()
    settle()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(times.values()))) < least:
        for name, act in acts.items():
            began = time.perf_counter()
            act()
            settle()
            times[name].append((time.perf_counter() - began) * 1000)
    return times


def timing(what: str, ms: list[float], runtime: str = "-", precision: str = "-", batch: int = 1) -> Timing:
    """Median and quartiles of measured times."""
    low, middle, high = np.percentile(ms, (25, 50, 75))
    return Timing(what, runtime, precision, batch, round(float(middle), 4), round(float(high - low), 4), len(ms))
