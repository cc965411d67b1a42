"""Plot updates: loss terms, gradient norm, learning rate, distinct frames, and updates that changed nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mgtta_cam.report.pictures import paint
from mgtta_cam.report.pictures.paint import ADAPTED, FROZEN, QUIET, SERIES, WRONG, Band, Picture
from mgtta_cam.report.run import Run
from mgtta_cam.report.series import POINTS, grouped, stretches, thinned
from mgtta_cam.report.words import count, plain

TERMS = 5  # loss terms to draw
REASONS = 6
FEW = 8  # up to here, each update has a tick on the axis


def picture(run: Run, prefix: str = "") -> Picture | None:
    """Panels over the update number."""
    updates = run.updates
    if not len(updates):
        return None
    losses = {name: v for name, v in updates.losses.items() if not name.startswith("guard_") and np.isfinite(v).any()}
    drawn: list[tuple[str, float, Any]] = []
    if losses:
        drawn.append(("Loss terms, nats", 1.9, lambda axes: _curves(axes, dict(list(losses.items())[:TERMS]))))
    effective = np.array([why is None for why in updates.skipped])
    facts = {**updates.facts, "lr": np.where(effective, updates.facts["lr"], np.nan)}
    for name, title in (
        ("gnorm", "Gradient norm"),
        ("dnorm", "Distance from the source model"),
        ("lr", "Learning rate"),
    ):
        if np.isfinite(facts[name]).any():
            drawn.append((title, 1.0, lambda axes, values=facts[name]: _curves(axes, {"": values}, color=ADAPTED)))
    if np.isfinite(facts["ess"]).any():
        different = {"distinct": facts["ess"], "in the window": facts["size"]}
        drawn.append(("Frames", 1.2, lambda axes: _curves(axes, different)))
    reasons = list(dict.fromkeys(why for why in updates.skipped if why is not None))[:REASONS]
    if reasons:
        drawn.append(
            ("Updates that changed nothing", 0.3 + 0.2 * len(reasons), lambda axes: _skipped(axes, run, reasons))
        )
    if not drawn:
        return None
    figure, grid = paint.panels(*(height for _, height, _ in drawn), titles=[title for title, _, _ in drawn])
    for axes, (_, _, draw) in zip(grid, drawn, strict=True):
        draw(axes)
    paint.shaded(grid, bands(run))
    axis(grid[-1], len(updates))
    return paint.finished(
        figure,
        f"{prefix}updates",
        "Update by update",
        "By update number; an update that changed nothing leaves a gap.",
        f"Loss, gradient norm and related values of {count(len(updates), 'update')}.",
    )


def bands(run: Run) -> list[Band]:
    """Corruptions over update numbers, as bands."""
    over = stretches(run.updates.corruption)
    return paint.bands(over, run.corruptions, np.arange(0.5, len(run.updates) + 1))


def axis(axes: Any, updates: int) -> None:
    """Set up the horizontal axis of update numbers."""
    axes.set_xlim(0.5, updates + 0.5)
    axes.set_xlabel("update")
    axes.xaxis.get_major_locator().set_params(integer=True)
    if updates < FEW:
        axes.set_xticks(range(1, updates + 1))


def _curves(axes: Any, curves: dict[str, np.ndarray[Any, Any]], color: str | None = None) -> None:
    for i, (name, values) in enumerate(curves.items()):
        places, shown = np.arange(1, len(values) + 1), values
        if len(values) > POINTS:
            places, shown = thinned(places, values)
        few = {"marker": ".", "markersize": 4} if len(values) < 100 else {}
        axes.plot(
            places,
            shown,
            color=color or (ADAPTED, FROZEN, *SERIES[2:])[i],
            label=plain(name, paint.MAX_NAME),
            linewidth=1.3,
            **few,
        )
    finite = np.concatenate([v[np.isfinite(v)] for v in curves.values()])
    positive = finite[finite > 0]
    if len(positive) == len(finite) and finite.max() > 100 * finite.min():
        axes.set_yscale("log")
    elif finite.min() >= 0:
        axes.set_ylim(bottom=0)
    if len(curves) > 1 or "" not in curves:
        paint.legend(axes)


def _skipped(axes: Any, run: Run, reasons: Sequence[str]) -> None:
    axes.set_yticks(range(len(reasons)), [plain(why.replace("_", " "), paint.MAX_NAME) for why in reasons])
    axes.set_ylim(len(reasons) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    for row, why in enumerate(reasons):
        own = np.array([reason == why for reason in run.updates.skipped])
        places = np.flatnonzero(own) + 1.0
        if len(places) > POINTS:
            places = np.flatnonzero(grouped(own, np.max) > 0) * len(own) / POINTS + 1.0
        color = WRONG if why == "guard" else QUIET
        axes.plot(places, np.full(len(places), row), "|", color=color, markersize=9, markeredgewidth=1.6)
