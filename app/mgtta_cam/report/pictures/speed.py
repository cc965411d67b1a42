"""Plot frame age or inference time, frame rates, dropped frames and memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgtta_cam.report.columns import Floats
from mgtta_cam.report.pictures import paint
from mgtta_cam.report.pictures.paint import ADAPTED, FROZEN, SERIES, Picture
from mgtta_cam.report.run import Run
from mgtta_cam.report.series import grouped, percentile, stretches, waits
from mgtta_cam.report.words import plain

BINS = 240  # per run


def picture(run: Run, prefix: str = "") -> Picture | None:
    """Panels over time."""
    frames, stats = run.frames, run.stats
    if not len(frames):
        return None
    took = waits(run)
    title = "Frame age when shown, ms" if took is frames.age_ms else "Inference time, ms"
    drawn: list[tuple[str, float, Any]] = []
    if np.isfinite(took).any():
        drawn.append((title, 1.6, lambda axes, divisor: _waits(axes, frames.t / divisor, took)))
    rates = _chosen(stats, "fps.")
    if rates:
        drawn.append(("Frames per second", 1.3, lambda axes, divisor: _lines(axes, stats["t"] / divisor, rates)))
    drops = _chosen(stats, "dropped.")
    if drops:
        drawn.append(("Frames dropped so far", 1.1, lambda axes, divisor: _lines(axes, stats["t"] / divisor, drops)))
    if np.isfinite(stats.get("memory_mb", np.array([]))).any():
        memory = {"": stats["memory_mb"]}
        drawn.append(("Memory, MB", 1.0, lambda axes, divisor: _lines(axes, stats["t"] / divisor, memory)))
    if not drawn:
        return None
    figure, grid = paint.panels(*(height for _, height, _ in drawn), titles=[title for title, _, _ in drawn])
    divisor = paint.clock(grid[-1], run.seconds)
    for axes, (_, _, draw) in zip(grid, drawn, strict=True):
        draw(axes, divisor)
    over = paint.bands(stretches(frames.corruption), run.corruptions, paint.edges_of(frames.t, run.seconds) / divisor)
    paint.shaded(grid, over)
    return paint.finished(
        figure,
        f"{prefix}speed",
        "Over time",
        "Times are median and worst of short intervals. Adapted frames are those used by updates.",
        f"{title.split(',')[0]} over time, median {percentile(took, 50):.0f} ms."
        if np.isfinite(took).any()
        else "Rates.",
    )


def _chosen(stats: dict[str, Floats] | Any, prefix: str) -> dict[str, Floats]:
    """Nonempty columns, by their name without the prefix."""
    found = {name.removeprefix(prefix): v for name, v in stats.items() if name.startswith(prefix)}
    return {name: v for name, v in found.items() if np.nansum(v) > 0}


def _waits(axes: Any, t: Floats, ms: Floats) -> None:
    t, ms = t[np.isfinite(ms)], ms[np.isfinite(ms)]
    places, median, worst = (grouped(v, how, BINS) for v, how in ((t, np.mean), (ms, np.median), (ms, np.max)))
    axes.fill_between(places, median, worst, color=FROZEN, alpha=0.25, linewidth=0, label="up to worst")
    axes.plot(places, median, color=FROZEN, label="median")
    if worst.max() > 30 * max(float(np.median(median)), 1e-9) and median.min() > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    else:
        axes.set_ylim(bottom=0)
    paint.legend(axes)


def _lines(axes: Any, t: Floats, columns: dict[str, Floats]) -> None:
    for i, (name, values) in enumerate(list(columns.items())[: len(SERIES)]):
        color = {"in": SERIES[2], "out": FROZEN, "adapted": ADAPTED}.get(name, SERIES[(i + 1) % len(SERIES)])
        axes.plot(
            grouped(t, np.mean), grouped(values, np.mean), color=color, label=plain(name, paint.MAX_NAME), linewidth=1.3
        )
    axes.set_ylim(bottom=0)
    if "" not in columns:
        paint.legend(axes)
