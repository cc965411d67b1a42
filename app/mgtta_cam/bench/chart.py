"""Plot accuracy by method and corruption, and accuracy against time, with a curve over budgets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mgtta_cam.bench.cells import Row
from mgtta_cam.bench.report import by_budget, mean, ms_per_picture, pictures_of, scored, settings
from mgtta_cam.outputs import save

MAX_PANELS = 6  # stacked
MAX_NAMED = 6  # methods whose names fit next to their points
MIN_RANGE = 10.0  # percent on the accuracy axis


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write a PNG with two panels for each measured setting, up to six settings.

    Raises:
        OutputError: if the file cannot be written.
    """
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt
    from matplotlib.patches import Patch

    measured = list(settings(rows))[:MAX_PANELS]
    methods = list(dict.fromkeys(row.method for row in rows))
    pairs = plt.get_cmap("tab20").colors  # pyright: ignore[reportAttributeAccessIssue]
    palette = (*pairs[::2], *pairs[1::2])  # pale colors only beyond ten methods
    colors = {method: palette[i % len(palette)] for i, method in enumerate(methods)}
    most = max(len({row.corruption for row in own}) for _, own in measured)
    figure, panels = plt.subplots(
        *(len(measured), 2),
        figsize=(14, 1 + 4.2 * len(measured)),
        width_ratios=(max(3.0, 0.7 * most), 3.5),
        layout="constrained",
        squeeze=False,
    )
    for (setting, own), (left, right) in zip(measured, panels, strict=True):
        _bars(left, own, colors)
        _curves(right, own, colors)
        left.set_title(f"{setting}, {pictures_of(own)}; bars: 95 %", fontsize=9, loc="left")
        for axes in (left, right):
            axes.grid(axis="y", alpha=0.3)
            axes.spines[["top", "right"]].set_visible(False)
    handles = [Patch(color=color, label=method) for method, color in colors.items()]
    figure.legend(handles=handles, fontsize=8, ncols=min(7, len(methods)), loc="outside upper center", frameon=False)
    save(figure, path)


def _bars(axes: Any, rows: Sequence[Row], colors: dict[str, Any]) -> None:
    """Top-1 by corruption, one bar per method, without a budget if that was measured, else with the largest."""
    corruptions = list(dict.fromkeys(row.corruption for row in rows))
    methods = list(dict.fromkeys(row.method for row in rows))
    width = 0.8 / len(methods)
    for i, method in enumerate(methods):
        _, full = by_budget([row for row in rows if row.method == method])[-1]
        places = [corruptions.index(row.corruption) + (i - (len(methods) - 1) / 2) * width for row in full]
        top1 = [row.top1 for row in full]
        reach = [[row.top1 - row.top1_low for row in full], [row.top1_high - row.top1 for row in full]]
        thin = {"elinewidth": 0.6, "ecolor": "0.35"}
        axes.bar(places, top1, width, color=colors[method], yerr=reach, error_kw=thin)
    axes.set_xticks(range(len(corruptions)), [name.replace("_", "\n") for name in corruptions], fontsize=7)
    axes.set_ylabel("top-1 accuracy, %")


def _curves(axes: Any, rows: Sequence[Row], colors: dict[str, Any]) -> None:
    """Mean top-1 against time: one point per method, or a line through its budgets, from the smallest to none."""
    from matplotlib.ticker import LogLocator

    corruptions = {row.corruption for row in rows}
    for method in dict.fromkeys(row.method for row in rows):
        spent = by_budget([row for row in rows if row.method == method])
        spent = [(b, own) for b, own in spent if {row.corruption for row in own} == corruptions]  # finished ones only
        if not spent:
            continue
        points = [(b, ms_per_picture(own), mean([row.top1 for row in scored(own)])) for b, own in spent]
        by_updates = [(ms, top1) for b, ms, top1 in points if b.seconds is None]
        by_seconds = [(ms, top1) for b, ms, top1 in points if b.updates is None]
        for line, style in ((by_updates, "o-"), (by_seconds, "s--")):
            axes.plot([ms for ms, _ in line], [top1 for _, top1 in line], style, color=colors[method], markersize=6)
        if len(colors) <= MAX_NAMED:
            axes.annotate(method, points[-1][1:], textcoords="offset points", xytext=(5, 4), fontsize=8)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    low, high = axes.get_ylim()
    room = max(0.0, MIN_RANGE - (high - low)) / 2  # otherwise chance would look like a difference
    axes.set_ylim(max(0.0, low - room), high + room)
    axes.set_xlabel("ms per picture (logarithmic)")
    axes.set_ylabel("mean top-1 accuracy, %")
