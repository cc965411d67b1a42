"""Statistics of a stream for the log: rates, percentiles, drops, memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from mgtta_cam.metrics.latency import Percentiles, Rate
from mgtta_cam.metrics.memory import memory_mb
from mgtta_cam.types import FrameResult, Verdict


class Stats:
    """Rates, percentiles of frame age and of each stage's time, drops, memory."""

    def __init__(self) -> None:
        self._out, self._in, self._adapted = Rate(), Rate(), Rate(60.0)
        self._times: dict[str, Percentiles] = {}
        self._drops: Counter[str] = Counter()
        self._rates = {"in": 0.0, "out": 0.0, "adapted": 0.0}
        self._verdict: Verdict | None = None
        self._estimate: dict[str, Any] = {}

    def update(self, result: FrameResult, now: float, age_s: float | None) -> None:
        """Counts one result; `now`, in seconds, never decreases."""
        self._drops.update(result.frame.dropped)
        self._verdict = result.verdict or self._verdict
        known = {"adapted": result.estimate, "frozen": result.frozen_estimate}
        self._estimate = {name: round(value.recent, 4) for name, value in known.items() if value is not None}
        self._rates["out"] = self._out.update(now)
        for _ in range(1 + sum(result.frame.dropped.values())):
            self._rates["in"] = self._in.update(now)
        if result.update is not None:
            self._rates["adapted"] = self._adapted.update(now) * len(result.update.frames)
        durations = dict(result.ms) if age_s is None else {"age": age_s * 1000, **result.ms}
        for name, ms in durations.items():
            self._times.setdefault(name, Percentiles()).update(max(0.0, ms))

    def record(self) -> dict[str, Any]:
        """Returns the statistics so far, as the log's `stats` record."""
        verdict = {} if self._verdict is None else {"verdict": asdict(self._verdict)}
        return {
            **verdict,
            "estimate": self._estimate,
            "fps": {name: round(rate, 2) for name, rate in self._rates.items()},
            "ms": {
                name: {f"p{q}": round(times.at(q) or 0.0, 1) for q in (50, 95, 99)}
                for name, times in self._times.items()
            },
            "dropped": dict(self._drops),
            "memory_mb": memory_mb(),
        }
