"""Curves keep the whole run in few points."""

from __future__ import annotations

import math

import pytest

from mgtta_cam.sinks.web.curves import MAX_POINTS, Curves, Point


def test_short_runs_are_whole() -> None:
    """Each frame is a point, with what corrupted it."""
    curves = Curves()
    curves.add(Point(0.0, adapted=0.5), "clean")
    curves.add(Point(0.1, adapted=None, entropy=math.nan), "fog 3")
    assert curves.points() == [(Point(0.0, adapted=0.5), "clean"), (Point(0.1), "fog 3")]


def test_long_runs_are_thinned_out() -> None:
    """However long: bounded, evenly spread from the first frame to the last, and each point a mean."""
    curves, frames = Curves(), 12_345
    for i in range(frames):
        curves.add(Point(float(i), entropy=i % 2 * 2.0, fps=None if i < 9000 else 30.0), "clean")
    points = [point for point, _ in curves.points()]
    assert MAX_POINTS / 2 <= len(points) <= MAX_POINTS
    stride = 64  # 12,345 / 240, up to a power of two
    assert [point.seconds for point in points[:-1]] == [stride * i + (stride - 1) / 2 for i in range(frames // stride)]
    assert all(point.entropy == 1.0 for point in points[:-1])
    assert points[0].fps is None
    assert points[-1].fps == 30.0
    assert points[-1].seconds == pytest.approx(frames - 1, abs=stride)
