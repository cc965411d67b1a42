"""Keep figures over a whole run in bounded memory."""

from __future__ import annotations

import math
from typing import NamedTuple

MAX_POINTS = 240


class Point(NamedTuple):
    """Means over consecutive frames; None where there was no such figure."""

    seconds: float | None  # since the first frame
    adapted: float | None = None  # recent accuracy, 0..1
    frozen: float | None = None
    entropy: float | None = None  # of the adapted model's predictions, nats
    frozen_entropy: float | None = None
    fps: float | None = None
    age_ms: float | None = None


class Curves:
    """At most 240 points, each the mean of `stride` frames, with the corruption of the last of them.

    When the points are full, neighbors are merged and the stride doubles, so they always span the whole run.
    """

    def __init__(self) -> None:
        self._points: list[tuple[Point, str]] = []
        self._open: list[tuple[float, int]] = []  # sum and count per column over the frames since the last point
        self._frames = 0
        self._stride = 1
        self._corruption = ""

    def add(self, figures: Point, corruption: str) -> None:
        """Add one frame's figures; values that are not finite are ignored."""
        self._open = self._open or [(0.0, 0)] * len(figures)
        self._open = [
            (total, n) if value is None or not math.isfinite(value) else (total + value, n + 1)
            for (total, n), value in zip(self._open, figures, strict=True)
        ]
        self._frames, self._corruption = self._frames + 1, corruption
        if self._frames == self._stride:
            self._points.append(self._latest())
            self._open, self._frames = [], 0
        if len(self._points) == MAX_POINTS:
            pairs = zip(self._points[::2], self._points[1::2], strict=True)
            self._points = [(Point(*map(_mean, first, second)), after) for (first, _), (second, after) in pairs]
            self._stride *= 2

    def points(self) -> list[tuple[Point, str]]:
        """All points with their corruptions, oldest first; the last may cover fewer frames."""
        return [*self._points, *([self._latest()] if self._frames else [])]

    def _latest(self) -> tuple[Point, str]:
        return Point(*(total / n if n else None for total, n in self._open)), self._corruption


def _mean(first: float | None, second: float | None) -> float | None:
    if first is None or second is None:
        return first if second is None else second
    return (first + second) / 2
