"""Percentiles of durations and rates of events, in bounded memory."""

from __future__ import annotations

import math
from collections import deque

import numpy as np


class Percentiles:
    """Percentiles of positive durations in bounded memory: a histogram whose bins grow by 1 % each.

    From 1 microsecond to 1000 seconds (in ms: 1e-3..1e6) a percentile is within 0.5 % of the exact one;
    durations outside this range count as its nearer end. The largest is kept exactly.
    """

    LOWEST_MS, HIGHEST_MS, GROWTH = 1e-3, 1e6, 1.01

    def __init__(self) -> None:
        bins = math.ceil(math.log(self.HIGHEST_MS / self.LOWEST_MS, self.GROWTH)) + 1
        self._counts = np.zeros(bins, np.int64)
        self.n = 0
        self.max_ms = 0.0

    def update(self, ms: float) -> None:
        """Counts one duration, at least 0 milliseconds."""
        if not (math.isfinite(ms) and ms >= 0):
            raise ValueError(f"a duration must be finite and at least 0 ms, got {ms}")
        within = min(max(ms, self.LOWEST_MS), self.HIGHEST_MS)
        self._counts[round(math.log(within / self.LOWEST_MS, self.GROWTH))] += 1
        self.n += 1
        self.max_ms = max(self.max_ms, ms)

    def at(self, percent: float) -> float | None:
        """Returns the smallest duration, in ms, that `percent` (0..100) of all do not exceed; None before the first."""
        if not 0 <= percent <= 100:
            raise ValueError(f"percent must be in 0..100, got {percent}")
        if self.n == 0:
            return None
        rank = max(1, math.ceil(percent / 100 * self.n))
        index = int(np.searchsorted(np.cumsum(self._counts), rank))
        return min(self.LOWEST_MS * self.GROWTH**index, self.max_ms)


class Rate:
    """Events per second over the last `window` seconds. Times come from the caller; no clock is read here."""

    def __init__(self, window: float = 2.0) -> None:
        self._window = window
        self._times: deque[float] = deque()

    def update(self, seconds: float) -> float:
        """Counts an event, at a time that never decreases, and returns the rate (0 before the second event)."""
        self._times.append(seconds)
        # Two events always stay, so that even a slow stream has a rate.
        while len(self._times) > 2 and self._times[0] < seconds - self._window:
            self._times.popleft()
        span = self._times[-1] - self._times[0]
        return (len(self._times) - 1) / span if span > 0 else 0.0
