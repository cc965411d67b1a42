"""Plot which adapted tensors moved, when, and under which corruption: a map of distances from the source model."""

from __future__ import annotations

import re

import numpy as np

from mgtta_cam.report.pictures import paint
from mgtta_cam.report.pictures.paint import QUIET, Picture
from mgtta_cam.report.pictures.updates import axis, bands
from mgtta_cam.report.run import Run
from mgtta_cam.report.series import grouped
from mgtta_cam.report.words import count, plain

NAMED = 52  # most tensors that are labeled one by one; beyond, only blocks are
TALLEST, STRIP = 11.0, 0.1  # inches
COLUMNS = 500
BLOCK = re.compile(r"^(.*?\b(?:blocks|layers|stages)\.\d+|[^.]+)")


def picture(run: Run, prefix: str = "") -> Picture | None:
    """A heat map: rows are tensors in model order, columns are updates."""
    moved = run.updates.moved
    if not moved.size or not np.isfinite(moved).any() or not np.nanmax(moved) > 0:
        return None
    n = moved.shape[1]
    shown = moved if len(moved) <= COLUMNS else np.stack([grouped(c, np.mean, COLUMNS) for c in moved.T], axis=1)
    height = min(TALLEST, 0.17 * n if n <= NAMED else 0.085 * n) + 0.3
    over = bands(run)
    figure, grid = paint.panels(*((STRIP, height) if over else (height,)))
    axes = grid[-1]
    finite = shown[np.isfinite(shown)]
    most = float(np.percentile(finite, 99.5)) or float(finite.max())
    extent = (0.5, len(moved) + 0.5, n - 0.5, -0.5)
    image = axes.imshow(
        shown.T, aspect="auto", extent=extent, cmap="viridis", vmin=0, vmax=most, interpolation="nearest"
    )
    bar = figure.colorbar(image, ax=grid, pad=0.01, aspect=40, extend="max" if finite.max() > most else "neither")
    bar.set_label("distance from the source model", color=QUIET)
    bar.outline.set_visible(False)
    axes.grid(visible=False)
    axis(axes, len(moved))
    places, labels = _labels(run.updates.tensors)
    axes.set_yticks(places, labels, fontsize=8)
    for band in over[1:]:
        axes.axvline(band.left, color="white", linewidth=1, alpha=0.8)
    if over:
        paint.strip(grid[0], over)
    last = np.nan_to_num(moved[np.flatnonzero(np.isfinite(moved).any(axis=1))[-1]])
    names = [run.updates.tensors[i] for i in np.argsort(-last)[:3]]
    return paint.finished(
        figure,
        f"{prefix}tensors",
        "Where the model moved",
        "Euclidean distance of each adapted tensor from the source model's, update by update; blank where the log "
        "has no value. The strip on top shows the corruption.",
        f"Heat map of {count(n, 'tensor')} over {count(len(moved), 'update')}; furthest: {', '.join(names)}.",
    )


def _labels(names: tuple[str, ...]) -> tuple[list[float], list[str]]:
    """Tick positions and labels: all names if there are few, otherwise one per block, at its first tensor."""
    if len(names) <= NAMED:
        return list(range(len(names))), [name if len(name) <= 34 else "…" + name[-33:] for name in names]
    blocks = [match[1] if (match := BLOCK.match(name)) else name for name in names]
    firsts = [i for i, block in enumerate(blocks) if not i or block != blocks[i - 1]]
    shown: list[float] = []
    for first in firsts:
        if not shown or first - shown[-1] >= len(names) / NAMED:  # or labels would overlap
            shown.append(first)
    return shown, [plain(blocks[int(i)], paint.MAX_NAME) for i in shown]
