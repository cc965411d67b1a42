"""A run's pictures, each as SVG in the page and as a PNG file next to it."""

from __future__ import annotations

from collections.abc import Sequence

from mgtta_cam.report.pictures import answers, classes, comparison, speed, tensors, updates
from mgtta_cam.report.pictures.paint import Picture, style
from mgtta_cam.report.run import Run

DRAWN = {
    "answers": answers.picture,
    "updates": updates.picture,
    "tensors": tensors.picture,
    "classes": classes.histogram,
    "calibration": classes.calibration,
    "speed": speed.picture,
}


def of_run(run: Run, prefix: str = "") -> dict[str, Picture]:
    """The pictures that a log supports; file names begin with `prefix`."""
    with style():
        drawn = {name: draw(run, prefix) for name, draw in DRAWN.items()}
    return {name: picture for name, picture in drawn.items() if picture is not None}


def of_all(runs: Sequence[Run], names: Sequence[str]) -> Picture | None:
    """The comparison of several runs."""
    with style():
        return comparison.picture(runs, names)
