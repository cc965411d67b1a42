"""Plot several runs on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mgtta_cam.metrics.accuracy import RECENT, running_mean
from mgtta_cam.report.columns import Floats
from mgtta_cam.report.pictures import paint
from mgtta_cam.report.pictures.paint import SERIES, Picture
from mgtta_cam.report.run import Run
from mgtta_cam.report.series import thinned


def picture(runs: Sequence[Run], names: Sequence[str]) -> Picture | None:
    """Accuracy of all runs with labels, and entropy of all runs, over media time."""
    shown = [(run, name, SERIES[i % len(SERIES)]) for i, (run, name) in enumerate(zip(runs, names, strict=True))]
    shown = [item for item in shown if len(item[0].frames)]
    if not shown:
        return None
    labeled = [item for item in shown if (item[0].frames.right >= 0).any()]
    titles = [f"Accuracy over the last {RECENT} labeled frames, %; dotted: the frozen model"] if labeled else []
    titles += [f"Prediction entropy, nats, mean of {RECENT} frames"]
    figure, grid = paint.panels(*((2.4, 1.8) if labeled else (2.4,)), titles=titles)
    for run, _, color in labeled:
        frames = run.frames
        known, asked = frames.right >= 0, (frames.right >= 0) & (frames.frozen >= 0)
        _line(grid[0], frames.media_s[known], 100 * running_mean(frames.right[known] == 1, RECENT), color)
        frozen = 100 * running_mean(frames.frozen[asked] == frames.truth[asked], RECENT)
        _line(grid[0], frames.media_s[asked], frozen, color, dashes=":")
    for run, name, color in shown:
        _line(grid[-1], run.frames.media_s, running_mean(run.frames.entropy, RECENT), color, name)
    if labeled:
        grid[0].set_ylim(0, 100)
    grid[-1].set_ylim(bottom=0)
    grid[-1].set_xlabel("seconds of the stream")
    figure.legend(loc="outside lower center", ncols=2 if len(shown) > 3 else 3, frameon=False)
    return paint.finished(
        figure,
        "comparison",
        "All runs",
        "Plotted over media time, so that runs of different speed can be compared.",
        f"Accuracy and entropy of {len(shown)} runs over time.",
    )


def _line(axes: Any, x: Floats, y: Floats, color: str, name: str | None = None, dashes: str = "-") -> None:
    if len(x):
        axes.plot(*thinned(x, y), dashes, color=color, label=name, linewidth=1.5 if dashes == "-" else 1.2)
