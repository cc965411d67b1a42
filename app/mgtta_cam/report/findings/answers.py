"""Findings on answers: right or wrong, sure or in doubt, one class or many."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from mgtta_cam.config.settings import NOT_ADAPTING
from mgtta_cam.metrics.accuracy import RECENT, wilson
from mgtta_cam.report.run import Run
from mgtta_cam.report.series import Share, mean, reliability, share, shares
from mgtta_cam.report.words import Finding, count, percent, points

FEWEST = 30  # frames that a sentence on one corruption takes
MUCH = 0.5  # of all answers, for one class
OFF = 0.1  # of calibration: from there on it is said to be bad


def accuracy(run: Run) -> Iterator[Finding]:
    """Adapted against frozen, where labels tell."""
    all_ = share(run, "all")
    if not all_.n:
        yield Finding("bad", "No frame was answered.")
    elif not all_.labeled:
        yield Finding("note", "Accuracy is unknown: no frame has a label (--truth or --label would give them).")
    elif not all_.compared or run.header.get("method") == NOT_ADAPTING:
        low, high = wilson(round(all_.adapted * all_.labeled), all_.labeled)
        worth = "What adapting was worth is unknown: the frozen model did not run (--compare split)."
        if run.header.get("method") == NOT_ADAPTING:
            worth = "The run did not adapt (--method none)."
        yield Finding(
            "note",
            f"{percent(all_.adapted)} of {count(all_.labeled, 'labeled frame')} are right (95 %: {percent(low)} to "
            f"{percent(high)}). {worth}",
        )
    elif not all_.won + all_.lost:
        right = f"{percent(all_.both)} of {count(all_.compared, 'labeled frame')} are right with it and without"
        yield Finding("note", f"Adapting turned no answer right or wrong: {right}.")
    else:
        yield _compared(all_)


def _compared(all_: Share) -> Finding:
    verdict, mark = "Adapting made no clear difference", "note"
    if abs(all_.gain) > all_.noise:
        verdict, mark = ("Adapting helped", "good") if all_.gain > 0 else ("Adapting did harm", "bad")
    changed = f"it put {count(all_.won, 'answer')} right and {count(all_.lost)} wrong"
    return Finding(
        mark,
        f"{verdict}: {percent(all_.both)} against {percent(all_.frozen)} of {count(all_.compared, 'labeled frame')} "
        f"({points(all_.gain)} points); {changed}.",
    )


def by_corruption(run: Run) -> Iterator[Finding]:
    """Where it helped most, and least; without labels where the doubt is greatest."""
    rows = [row for row in shares(run) if row.n >= FEWEST]
    compared = sorted((row for row in rows if row.compared >= FEWEST), key=lambda row: -row.gain)
    if len(compared) > 1:
        best, least = compared[0], compared[-1]
        harm = "; it did harm" if least.gain < -least.noise else ", least"
        mark = "bad" if least.gain < -least.noise else "note"
        text = f"The gain is largest under {best.name} ({points(best.gain)}){harm} under {least.name}"
        yield Finding(mark, f"{text} ({points(least.gain)}).")
    elif len(rows) > 1 and not compared:
        ordered = sorted(rows, key=lambda row: -row.entropy)
        most, least = ordered[0], ordered[-1]
        yield Finding(
            "note",
            f"The adapted model was most in doubt under {most.name} ({most.entropy:.2f} nats in the mean), least under "
            f"{least.name} ({least.entropy:.2f}).",
        )


def doubt(run: Run) -> Iterator[Finding]:
    """What can be said of answers without labels."""
    frames = run.frames
    if (frames.right >= 0).any() or not len(frames):
        return
    both = frames.frozen >= 0
    if both.any():
        yield Finding(
            "note",
            f"Both models gave the same answer to {percent(mean(frames.same[both]))} of {count(both.sum(), 'frame')}; "
            f"the adapted one's answer has a probability of {mean(frames.p[both]):.2f} in the mean, the frozen one's "
            f"{mean(frames.frozen_p[both]):.2f}.",
        )
    if len(frames) >= 2 * RECENT:
        first, last = mean(frames.entropy[:RECENT]), mean(frames.entropy[-RECENT:])
        how = f"from {first:.2f} nats over the first {RECENT} frames to {last:.2f} over the last"
        fell = f"fell {how}; less doubt alone does not prove better answers"
        yield Finding("note", f"The entropy of answers {fell if last < first else f'rose {how}'}.")


def estimated(run: Run) -> Iterator[Finding]:
    """What the program itself held its accuracy for, without labels."""
    for name, values in run.stats.items():
        known = values[np.isfinite(values)]
        if name.split(".")[0] != "estimate" or not len(known) or not 0 <= known[-1] <= 1:
            continue
        whose = name.replace("_", " ").split(".")[1:]
        whom = f" ({' '.join(whose)})" if whose else ""
        yield Finding("note", f"Accuracy as estimated without labels{whom}: {percent(known[-1])} at the end.")
    asked = run.frames.teacher >= 0
    if asked.any():
        frozen = run.frames.frozen_teacher
        beside = f", the frozen one's in {percent(mean(frozen[frozen >= 0]))}" if (frozen >= 0).any() else ""
        agreed = percent(mean(run.frames.teacher[asked]))
        what = "what the source model sees in the clean frame"
        yield Finding("note", f"Under corruption the adapted model's answer agreed with {what} in {agreed}{beside}.")


def one_class(run: Run) -> Iterator[Finding]:
    """A model that answers everything alike has collapsed, if not the world is like that."""
    frames = run.frames
    if len(frames) < FEWEST:
        return
    best = int(np.bincount(frames.answer).argmax())
    part = mean(frames.answer == best)
    known = frames.truth >= 0
    true = mean(frames.truth[known] == best)
    if part < MUCH or true * 1.5 > part:
        return
    beside = f", but {percent(true)} of the truth" if known.any() else ""
    frozen = frames.frozen >= 0
    beside += f"; of the frozen model's {percent(mean(frames.frozen[frozen] == best))}" if frozen.any() else ""
    text = f"One class, {run.classes[best]}, makes {percent(part)} of all answers{beside}."
    yield Finding("bad" if known.any() else "note", text)


def calibration(run: Run) -> Iterator[Finding]:
    """Whether probabilities can be believed."""
    frames = run.frames
    labeled = frames.right >= 0
    adapted = reliability(frames.p[labeled], frames.right[labeled] == 1)
    if adapted is None or labeled.sum() < FEWEST:
        return
    too = "sure" if mean(frames.p[labeled]) > mean(frames.right[labeled]) else "modest"
    asked = labeled & (frames.frozen >= 0)
    frozen = reliability(frames.frozen_p[asked], frames.frozen[asked] == frames.truth[asked])
    beside = f" (the frozen model's by {100 * frozen.ece:.1f})" if frozen is not None else ""
    off = f"; it is too {too}" if adapted.ece >= OFF else ""
    mark = "bad" if adapted.ece >= OFF else "note"
    yield Finding(
        mark, f"The adapted model's confidence is off by {100 * adapted.ece:.1f} points in the mean, ECE{beside}{off}."
    )


def steadiness(run: Run) -> Iterator[Finding]:
    """How often the answer changes from one frame to the next, where nobody knows the truth."""
    frames = run.frames
    if (frames.right >= 0).any() or len(frames) < FEWEST:
        return
    rates = [mean([a != b for a, b in pairwise(c.tolist())]) for c in (frames.answer, frames.frozen) if (c >= 0).all()]
    if len(rates) == 2:
        yield Finding(
            "note",
            f"The adapted answer changes from one frame to the next in {percent(rates[0])} of frames, the frozen one "
            f"in {percent(rates[1])}.",
        )


CHECKS = (by_corruption, estimated, doubt, steadiness, one_class, calibration)
