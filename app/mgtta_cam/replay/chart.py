"""Compare runs over the same frames, as a table and as curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from mgtta_cam.metrics.accuracy import RECENT, running_mean
from mgtta_cam.outputs import save
from mgtta_cam.replay.run_curve import RunCurve

Band = tuple[int, int, str]  # first frame, end frame (exclusive), corruption
MAX_POINTS = 2000  # per curve


def table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """A table of runs for the terminal."""
    grid = Table()
    grid.add_column("run", overflow="fold")
    for heading in ("accuracy", "entropy", "updates", "skipped", "alarms"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        share = "-" if row["top1"] is None else "{top1:.1%} [{low:.1%}, {high:.1%}]".format(**row)
        nats = "-" if row["entropy"] is None else f"{row['entropy']:.3f}"
        grid.add_row(row["run"], share, nats, str(row["updates"]), str(row["updates_skipped"]), str(row["alarms"]))
    return grid


def draw(curves: Sequence[RunCurve], bands: Sequence[Band], path: Path) -> None:
    """Write a PNG of all runs: accuracy over the last 200 labeled frames or, without labels, entropy.

    Raises:
        OutputError: if the file cannot be written.
    """
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    labeled = any(right is not None for curve in curves for right in curve.right)
    figure, axes = plt.subplots(figsize=(11, 4.6), layout="constrained")
    last = max(len(curve.right) for curve in curves)
    for first, after, name in bands:
        axes.axvspan(first, after, color="0.5", alpha=0.07 if name == "clean" else 0.16, linewidth=0)
        axes.axvline(first, color="0.5", linewidth=0.6)
        axes.text((first + after) / 2, 1.01, name, transform=axes.get_xaxis_transform(), ha="center", fontsize=8)
    for i, curve in enumerate(curves):
        values = curve.right if labeled else curve.entropy
        at, means = _running(values, 100.0 if labeled else 1.0)
        if len(at):
            color, width = {"frozen": ("0.45", 1.6)}.get(curve.name, (f"C{i}", 2.0))
            axes.plot(at, means, color=color, linewidth=width, label=_legend(curve, labeled=labeled))
    axes.set_xlim(0, max(1, last))
    axes.set_xlabel("frame")
    axes.set_ylabel(f"accuracy over {RECENT} frames, %" if labeled else "entropy over 200 frames, nats")
    if labeled:
        axes.set_ylim(0, 100)
    else:
        axes.set_ylim(bottom=0)
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)
    save(figure, path)


def _running(values: Sequence[float | None], scale: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Frames with known values, and `scale` times the running mean over up to RECENT of them."""
    at = np.flatnonzero([value is not None for value in values])
    known = np.asarray([value for value in values if value is not None], float)
    curve = scale * running_mean(known, RECENT)
    step = max(1, len(at) // MAX_POINTS)
    return at[::step], curve[::step]


def _legend(curve: RunCurve, *, labeled: bool) -> str:
    row = curve.row()
    value = row["top1"] if labeled else row["entropy"]
    shown = "-" if value is None else f"{100 * value:.1f} %" if labeled else f"{value:.3f} nats"
    return f"{curve.name}\n{shown}"
