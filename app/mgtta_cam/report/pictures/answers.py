"""Plot accuracy, agreement and entropy over time, with corruptions and events on the same axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgtta_cam.metrics.accuracy import RECENT, running_mean
from mgtta_cam.report.pictures import paint
from mgtta_cam.report.pictures.paint import ADAPTED, FROZEN, QUIET, SERIES, WRONG, Picture
from mgtta_cam.report.run import Run
from mgtta_cam.report.series import share, stretches, thinned
from mgtta_cam.report.words import percent, plain

KINDS = 8  # kinds of events, one row each
LOUD = ("guard", "rollback", "lost", "stall", "corrupt-read", "missing")
NEVER = ("open", "headless", "corruption-change")  # already shown by the bands, or not interesting


def picture(run: Run, prefix: str = "") -> Picture | None:
    """Accuracy, or agreement without labels; entropy; events."""
    frames = run.frames
    if not len(frames):
        return None
    labeled = frames.right >= 0
    events = _rows(run)
    titles = [f"Accuracy over the last {RECENT} labeled frames, %" if labeled.any() else _agreement(run)]
    titles += [f"Prediction entropy, nats, mean of {RECENT} frames"]
    titles += ["Events"] if events else []
    heights = [2.2, 1.5, 0.25 + 0.18 * len(events)]
    figure, grid = paint.panels(*heights[: len(titles)], titles=titles)
    divisor = paint.clock(grid[-1], run.seconds)
    if labeled.any():
        _accuracy(grid[0], run, divisor)
    else:
        _likeness(grid[0], run, divisor)
    grid[1].plot(*thinned(frames.t / divisor, running_mean(frames.entropy, RECENT)), color=ADAPTED)
    grid[1].set_ylim(bottom=0)
    if events:
        _marks(grid[-1], events, divisor)
    edges = paint.edges_of(frames.t, run.seconds) / divisor
    paint.shaded(grid, paint.bands(stretches(frames.corruption), run.corruptions, edges))
    return paint.finished(
        figure,
        f"{prefix}answers",
        "Over time",
        "Shaded: synthetic corruptions. The frozen model is the source model; the adapted one learns from the stream.",
        _alt(run),
    )


def _alt(run: Run) -> str:
    whole = share(run, "all")
    if whole.labeled:
        frozen = f", the frozen model's {percent(whole.frozen)}" if whole.compared else ""
        return f"Accuracy and entropy over time. The adapted model's accuracy is {percent(whole.adapted)}{frozen}."
    return f"Entropy over time, {whole.entropy:.2f} nats on average."


def _agreement(run: Run) -> str:
    if (run.frames.teacher >= 0).any():
        return f"Agreement with the clean frame's prediction, % of the last {RECENT}"
    if (run.frames.same >= 0).any():
        return f"Agreement of the models, % of the last {RECENT} frames"
    return "Confidence, %"


def _accuracy(axes: Any, run: Run, divisor: float) -> None:
    frames = run.frames
    labeled = frames.right >= 0
    asked = labeled & (frames.frozen >= 0)
    for name, color, chosen, right in (
        ("frozen", FROZEN, asked, frames.frozen == frames.truth),
        ("adapted", ADAPTED, labeled, frames.right == 1),
    ):
        if chosen.any():
            curve = 100 * running_mean(right[chosen], RECENT)
            axes.plot(*thinned(frames.t[chosen] / divisor, curve), color=color, label=name)
    _estimates(axes, run, divisor)
    axes.set_ylim(0, 100)
    paint.legend(axes)


def _likeness(axes: Any, run: Run, divisor: float) -> None:
    frames = run.frames
    drawn = False
    same = (("frozen", FROZEN, frames.same),)
    clean = (("frozen", FROZEN, frames.frozen_teacher), ("adapted", ADAPTED, frames.teacher))
    for name, color, values in clean if (frames.teacher >= 0).any() else same:
        asked = values >= 0
        if asked.any():
            drawn = True
            curve = 100 * running_mean(values[asked], RECENT)
            axes.plot(*thinned(frames.t[asked] / divisor, curve), color=color, label=name)
    if not drawn:
        axes.plot(*thinned(frames.t / divisor, 100 * running_mean(frames.p, RECENT)), color=ADAPTED, label="adapted")
    _estimates(axes, run, divisor)
    axes.set_ylim(0, 102)
    paint.legend(axes)


def _estimates(axes: Any, run: Run, divisor: float) -> None:
    """Draw estimates of accuracy made without labels."""
    for name, values in run.stats.items():
        if name.split(".")[0] == "estimate" and np.isfinite(values).any():
            label = plain(name.replace(".", ": "), paint.MAX_NAME)
            axes.plot(run.stats["t"] / divisor, 100 * values, "--", color=SERIES[2], label=label, linewidth=1)


def _rows(run: Run) -> dict[str, list[float]]:
    """Times of events by kind, the most important kinds first."""
    times: dict[str, list[float]] = {}
    for event in run.events:
        if event.kind not in NEVER:
            times.setdefault(event.kind, []).append(event.t)
    kinds = sorted(times, key=lambda kind: (kind not in LOUD, -len(times[kind])))
    return {kind: times[kind] for kind in kinds[:KINDS]}


def _marks(axes: Any, events: dict[str, list[float]], divisor: float) -> None:
    axes.set_yticks(range(len(events)), [plain(kind, paint.MAX_NAME) for kind in events])
    axes.set_ylim(len(events) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    for row, (kind, at) in enumerate(events.items()):
        color = WRONG if kind in LOUD else SERIES[2] if kind in ("reset", "undo", "key", "method") else QUIET
        at = at[-1] * np.unique(np.round(np.array(at) / max(at[-1], 1e-9), 3))  # merge indistinguishable marks
        row_of = np.full(len(at), row)
        axes.plot(at / divisor, row_of, "|", color=color, markersize=9, markeredgewidth=1.6)
