"""Plot the predicted classes and calibration."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgtta_cam.report.pictures import paint
from mgtta_cam.report.pictures.paint import ADAPTED, FROZEN, QUIET, TRUTH, Picture
from mgtta_cam.report.run import Run
from mgtta_cam.report.series import reliability
from mgtta_cam.report.words import count, plain

MAX_CLASSES = 20  # classes


def histogram(run: Run, prefix: str = "") -> Picture | None:
    """Shares of the most frequent classes: truth if known, frozen, adapted."""
    frames = run.frames
    if not len(frames):
        return None
    columns = {"truth": (frames.truth, TRUTH), "frozen": (frames.frozen, FROZEN), "adapted": (frames.answer, ADAPTED)}
    parts: dict[str, Any] = {}
    for name, (answers, _) in columns.items():
        known = answers[answers >= 0]
        if len(known):
            parts[name] = 100 * np.bincount(known, minlength=len(run.classes)) / len(known)
    order = np.argsort(-np.maximum.reduce(list(parts.values())), kind="stable")
    order = order[[max(part[i] for part in parts.values()) > 0 for i in order]]
    chosen = order[:MAX_CLASSES]
    figure, (axes,) = paint.panels(0.4 + (0.06 + 0.075 * len(parts)) * len(chosen))
    high = 0.8 / len(parts)
    for row, (name, part) in enumerate(parts.items()):
        places = np.arange(len(chosen)) + (row - (len(parts) - 1) / 2) * high
        axes.barh(places, part[chosen], 0.9 * high, color=columns[name][1], label=name)
    axes.set_yticks(range(len(chosen)), [plain(run.classes[i], paint.MAX_NAME) for i in chosen])
    axes.set_ylim(len(chosen) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("share of frames, %")
    paint.legend(axes)
    more = f" {len(order) - MAX_CLASSES} further classes are omitted." if len(order) > MAX_CLASSES else ""
    best = run.classes[int(np.argmax(parts["adapted"]))]
    return paint.finished(
        figure,
        f"{prefix}classes",
        "Predicted classes",
        f"A class that grows for no reason is a sign of collapse.{more}",
        f"Shares of {count(len(chosen), 'class', 'classes')}; the adapted model predicts {best} most often, for "
        f"{parts['adapted'].max():.0f} % of frames.",
    )


def calibration(run: Run, prefix: str = "") -> Picture | None:
    """Accuracy by confidence, if there are labels."""
    frames = run.frames
    labeled = frames.right >= 0
    asked = labeled & (frames.frozen >= 0)
    found = {
        "frozen": (reliability(frames.frozen_p[asked], frames.frozen[asked] == frames.truth[asked]), FROZEN),
        "adapted": (reliability(frames.p[labeled], frames.right[labeled] == 1), ADAPTED),
    }
    known = {name: (curve, color) for name, (curve, color) in found.items() if curve is not None}
    if not known:
        return None
    figure, (axes,) = paint.panels(3.3)
    axes.plot((0, 100), (0, 100), color=QUIET, linewidth=1, linestyle=":")
    axes.annotate("calibrated", (88, 88), xytext=(-6, 8), textcoords="offset points", color=QUIET, ha="right")
    for name, (curve, color) in known.items():
        sizes = 8 + 260 * curve.n / curve.n.sum()
        label = f"{name}, ECE {100 * curve.ece:.1f}"
        axes.plot(100 * curve.confidence, 100 * curve.accuracy, color=color, linewidth=1.2, label=label)
        axes.scatter(100 * curve.confidence, 100 * curve.accuracy, sizes, color=color, alpha=0.75, linewidths=0)
    axes.set(xlim=(0, 102), ylim=(0, 104), xlabel="confidence, % (15 bins)", ylabel="accuracy, %")
    paint.legend(axes)
    words = "; ".join(f"{name} {100 * curve.ece:.1f} points" for name, (curve, _) in known.items())
    return paint.finished(
        figure,
        f"{prefix}calibration",
        "Accuracy against confidence",
        "Each point is a bin of confidence, sized by its share of predictions. Below the dotted line a model is "
        "overconfident.",
        f"Reliability diagram. Expected calibration error: {words}.",
    )
