"""Findings on predictions: accuracy, confidence, and the spread of classes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from mgtta_cam.config.settings import NOT_ADAPTING
from mgtta_cam.metrics.accuracy import RECENT, wilson
from mgtta_cam.report.run import Run
from mgtta_cam.report.series import Share, mean, reliability, share, shares
from mgtta_cam.report.words import Finding, count, percent, points

MIN_FRAMES = 30  # for a sentence on one corruption
DOMINANT = 0.5  # share of all predictions from which one class is remarkable
MISCALIBRATED = 0.1  # ECE from which confidence counts as bad


def accuracy(run: Run) -> Iterator[Finding]:
    """Accuracy of the adapted model against the frozen one, if there are labels."""
    all_ = share(run, "all")
    if not all_.n:
        yield Finding("bad", "No frame was classified.")
    elif not all_.labeled:
        yield Finding("note", "Accuracy is unknown: no frame has a label (use --truth or --label).")
    elif not all_.compared or run.header.get("method") == NOT_ADAPTING:
        low, high = wilson(round(all_.adapted * all_.labeled), all_.labeled)
        worth = "The gain from adapting is unknown: the frozen model did not run (use --compare split)."
        if run.header.get("method") == NOT_ADAPTING:
            worth = "The run did not adapt (--method none)."
        yield Finding(
            "note",
            f"Accuracy is {percent(all_.adapted)} on {count(all_.labeled, 'labeled frame')} (95 %: {percent(low)} to "
            f"{percent(high)}). {worth}",
        )
    elif not all_.won + all_.lost:
        same = f"accuracy is {percent(all_.both)} on {count(all_.compared, 'labeled frame')} with and without it"
        yield Finding("note", f"Adapting neither fixed nor broke a prediction: {same}.")
    else:
        yield _compared(all_)


def _compared(all_: Share) -> Finding:
    verdict, mark = "Adapting made no clear difference", "note"
    if abs(all_.gain) > all_.noise:
        verdict, mark = ("Adapting helped", "good") if all_.gain > 0 else ("Adapting hurt", "bad")
    changed = f"it fixed {count(all_.won, 'prediction')} and broke {count(all_.lost)}"
    return Finding(
        mark,
        f"{verdict}: {percent(all_.both)} against {percent(all_.frozen)} accuracy on "
        f"{count(all_.compared, 'labeled frame')} ({points(all_.gain)} points); {changed}.",
    )


def by_corruption(run: Run) -> Iterator[Finding]:
    """Where adapting helped most and least; without labels, where entropy is highest and lowest."""
    rows = [row for row in shares(run) if row.n >= MIN_FRAMES]
    compared = sorted((row for row in rows if row.compared >= MIN_FRAMES), key=lambda row: -row.gain)
    if len(compared) > 1:
        best, least = compared[0], compared[-1]
        harm = "; adapting hurt" if least.gain < -least.noise else " and smallest"
        mark = "bad" if least.gain < -least.noise else "note"
        text = f"The gain is largest under {best.name} ({points(best.gain)} points){harm} under {least.name}"
        yield Finding(mark, f"{text} ({points(least.gain)}).")
    elif len(rows) > 1 and not compared:
        ordered = sorted(rows, key=lambda row: -row.entropy)
        most, least = ordered[0], ordered[-1]
        yield Finding(
            "note",
            f"The adapted model's mean entropy is highest under {most.name} ({most.entropy:.2f} nats) and lowest under "
            f"{least.name} ({least.entropy:.2f}).",
        )


def unlabeled(run: Run) -> Iterator[Finding]:
    """Agreement, confidence and entropy, if there are no labels."""
    frames = run.frames
    if (frames.right >= 0).any() or not len(frames):
        return
    both = frames.frozen >= 0
    if both.any():
        yield Finding(
            "note",
            f"Both models agree on {percent(mean(frames.same[both]))} of {count(both.sum(), 'frame')}; mean confidence "
            f"is {mean(frames.p[both]):.2f} for the adapted model and {mean(frames.frozen_p[both]):.2f} for the frozen "
            "one.",
        )
    if len(frames) >= 2 * RECENT:
        first, last = mean(frames.entropy[:RECENT]), mean(frames.entropy[-RECENT:])
        how = f"from {first:.2f} nats over the first {RECENT} frames to {last:.2f} over the last {RECENT}"
        fell = f"fell {how}; lower entropy alone does not prove better predictions"
        yield Finding("note", f"Mean entropy {fell if last < first else f'rose {how}'}.")


def estimated(run: Run) -> Iterator[Finding]:
    """Accuracy as the program estimated it without labels."""
    for name, values in run.stats.items():
        known = values[np.isfinite(values)]
        if name.split(".")[0] != "estimate" or not len(known) or not 0 <= known[-1] <= 1:
            continue
        whose = name.replace("_", " ").split(".")[1:]
        whom = f" ({' '.join(whose)})" if whose else ""
        yield Finding("note", f"Accuracy estimated without labels{whom}: {percent(known[-1])} at the end.")
    asked = run.frames.teacher >= 0
    if asked.any():
        frozen = run.frames.frozen_teacher
        other = f", the frozen model in {percent(mean(frozen[frozen >= 0]))}" if (frozen >= 0).any() else ""
        agreed = percent(mean(run.frames.teacher[asked]))
        what = "the source model's prediction on the clean frame"
        yield Finding("note", f"Under corruption, the adapted model agreed with {what} in {agreed} of frames{other}.")


def one_class(run: Run) -> Iterator[Finding]:
    """One dominant class: the model has collapsed, unless the world is like that."""
    frames = run.frames
    if len(frames) < MIN_FRAMES:
        return
    best = int(np.bincount(frames.answer).argmax())
    part = mean(frames.answer == best)
    known = frames.truth >= 0
    true = mean(frames.truth[known] == best)
    if part < DOMINANT or true * 1.5 > part:
        return
    more = f", but only {percent(true)} of the true labels" if known.any() else ""
    frozen = frames.frozen >= 0
    more += f"; for the frozen model it is {percent(mean(frames.frozen[frozen] == best))}" if frozen.any() else ""
    text = f"One class, {run.classes[best]}, makes up {percent(part)} of all predictions{more}."
    yield Finding("bad" if known.any() else "note", text)


def calibration(run: Run) -> Iterator[Finding]:
    """Whether confidence matches accuracy."""
    frames = run.frames
    labeled = frames.right >= 0
    adapted = reliability(frames.p[labeled], frames.right[labeled] == 1)
    if adapted is None or labeled.sum() < MIN_FRAMES:
        return
    off = "overconfident" if mean(frames.p[labeled]) > mean(frames.right[labeled]) else "underconfident"
    asked = labeled & (frames.frozen >= 0)
    frozen = reliability(frames.frozen_p[asked], frames.frozen[asked] == frames.truth[asked])
    other = f" (the frozen model's is {100 * frozen.ece:.1f})" if frozen is not None else ""
    mark, off = ("bad", f"; it is {off}") if adapted.ece >= MISCALIBRATED else ("note", "")
    yield Finding(
        mark, f"The adapted model's expected calibration error is {100 * adapted.ece:.1f} points{other}{off}."
    )


def steadiness(run: Run) -> Iterator[Finding]:
    """How often the prediction changes from one frame to the next, if there are no labels."""
    frames = run.frames
    if (frames.right >= 0).any() or len(frames) < MIN_FRAMES:
        return
    rates = [mean([a != b for a, b in pairwise(c.tolist())]) for c in (frames.answer, frames.frozen) if (c >= 0).all()]
    if len(rates) == 2:
        yield Finding(
            "note",
            f"The adapted model's prediction changes from one frame to the next in {percent(rates[0])} of frames, "
            f"the frozen model's in {percent(rates[1])}.",
        )


CHECKS = (by_corruption, estimated, unlabeled, steadiness, one_class, calibration)
