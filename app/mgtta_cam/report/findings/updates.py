"""Findings on updates: how many, from which frames, what the guard did, which tensors moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from mgtta_cam.config.settings import NOT_ADAPTING
from mgtta_cam.report.run import Run
from mgtta_cam.report.series import mean, percentile
from mgtta_cam.report.words import Finding, count, listed, milliseconds, plain, span, times

LOW_VARIETY = 0.25  # share of distinct frames in a window below which they count as too similar
MIN_UPDATES = 3  # for a sentence on one corruption
CLEARLY = 1.25  # ratio from which one part's steps count as larger than another's
WHY = {
    "sure": "the model was as confident as on clean images",
    "alike": "the frames were all alike",
    "guard": "the guard undid them",
    "nothing_reliable": "no prediction was reliable enough",
    "window_too_small": "the window was too small for the loss",
}
PARTS = ("early", "middle", "late")  # thirds of the adapted tensors


def given(run: Run) -> Iterator[Finding]:
    """How many updates there were, and why some left the model unchanged."""
    updates = run.updates
    if not len(updates):
        if run.header.get("method") != NOT_ADAPTING and len(run.frames):
            batch = run.part("configuration").get("adapt_batch")
            window = f" of {batch:d} frames" if isinstance(batch, int) else ""
            yield Finding("note", f"The model was never updated: no window{window} filled up.")
        return
    skipped = Counter(why for why in updates.skipped if why is not None)
    effective = len(updates) - skipped.total()
    took = milliseconds(percentile(updates.facts["ms"], 50))
    yield Finding(
        "note", f"{effective:,} of {count(len(updates), 'update')} changed the model; the median update took {took}."
    )
    for why, n in skipped.most_common(4):
        reason = WHY.get(why, why.replace("_", " "))
        yield Finding("bad" if why not in WHY else "note", f"{count(n, 'update')} changed nothing: {reason}.")


def variety(run: Run) -> Iterator[Finding]:
    """Whether the frames of a window differ enough."""
    facts = run.updates.facts
    if not len(run.updates) or not np.isfinite(facts["ess"]).any():
        return
    different, size = float(np.nanmedian(facts["ess"])), float(np.nanmedian(facts["size"]))
    if different < LOW_VARIETY * size:
        held = count(round(different), "distinct frame")
        text = f"The frames of an update are too similar: the median window of {size:.0f} has {held}"
        yield Finding("note", f"{text}; --adapt-stride takes frames that are further apart.")


def guard(run: Run) -> Iterator[Finding]:
    """When the guard stepped in, and why."""
    for kind, words in (("rollback", "rolled back harmful updates"), ("guard", "warned of harmful updates")):
        alarms = [event for event in run.events if event.kind == kind]
        if not alarms:
            continue
        when = [f"at {span(event.t)} ({plain(event.facts.get('reasons', 'no reason given'))})" for event in alarms[:3]]
        more = f" and {len(alarms) - 3} more" if len(alarms) > 3 else ""
        yield Finding("bad", f"The guard {words} {times(len(alarms))}: {', '.join(when)}{more}.")


def returns(run: Run) -> Iterator[Finding]:
    """Resets, updates undone by hand, and changes of method."""
    counts = Counter(event.kind for event in run.events)
    if n := counts["reset"]:
        yield Finding("note", f"The model was reset to the source model {times(n)}.")
    if n := counts["undo"]:
        yield Finding("note", f"An update was undone by hand {times(n)}.")
    if n := counts["method"]:
        names = listed([plain(event.facts.get("method")) for event in run.events if event.kind == "method"][:5])
        yield Finding("note", f"The method was changed {times(n)}, to {names}.")


def furthest(run: Run) -> Iterator[Finding]:
    """The tensor that ended furthest from the source model."""
    moved = run.updates.moved
    known = np.flatnonzero(np.isfinite(moved).any(axis=1)) if moved.size else []
    if not len(known):
        return
    last = np.nan_to_num(moved[known[-1]])
    if last.max() <= 0:
        return
    first, second = (run.updates.tensors[i] for i in (*np.argsort(-last)[:2], 0)[:2])
    total = float(np.linalg.norm(last.astype(np.float64)))
    runner_up = f", followed by {second}" if len(last) > 1 else ""
    yield Finding(
        "note",
        f"{first} ended furthest from the source model ({last.max():.3g} of {total:.3g} for all "
        f"{count(len(last), 'tensor')}){runner_up}.",
    )


class Moves(NamedTuple):
    """Step sizes in each part of the model under one corruption."""

    corruption: str
    updates: int
    parts: tuple[float, ...]  # early, middle, late: root mean square of a tensor's steps

    @property
    def most(self) -> str | None:
        """The part with clearly larger steps than any other; None if there is none."""
        first, second, _ = sorted(self.parts, reverse=True)
        return PARTS[self.parts.index(first)] if first > CLEARLY * second else None

    @property
    def least(self) -> str | None:
        """The part with clearly smaller steps than any other; None if there is none."""
        _, second, last = sorted(self.parts, reverse=True)
        return PARTS[self.parts.index(last)] if second > CLEARLY * last else None


def moves(run: Run) -> list[Moves]:
    """Step sizes by corruption, from differences of sketches: their squares estimate a step's squared length."""
    sketch = run.updates.sketch.astype(np.float64)
    if len(sketch) < 2 or sketch.shape[1] < len(PARTS):
        return []
    before = np.roll(sketch, 1, axis=0)
    before[run.updates.facts["n"] == 1] = 0.0  # the source model
    before[0] = np.nan if "state" in run.part("learned_before") else 0.0
    squares = (sketch - before) ** 2
    effective = np.array([why is None for why in run.updates.skipped]) & np.isfinite(squares).any(axis=1)
    found = []
    for kind in dict.fromkeys(run.updates.corruption[effective].tolist()):
        own = squares[effective & (run.updates.corruption == kind)]
        if len(own) >= MIN_UPDATES:
            thirds = np.array_split(own, len(PARTS), axis=1)
            found.append(Moves(run.corruptions[kind], len(own), tuple(float(np.sqrt(mean(t))) for t in thirds)))
    return found


def where(run: Run) -> Iterator[Finding]:
    """Which part of the model moved under which corruption."""
    alike: dict[tuple[str | None, str | None], list[str]] = {}
    for move in moves(run):
        alike.setdefault((move.most, move.least), []).append(move.corruption)
    clauses = []
    for (most, least), names in alike.items():
        steps = [f"the {most} layers took the largest steps"] if most else []
        if least:
            steps.append(f"the {least} layers the smallest" if most else f"the {least} layers took the smallest steps")
        clauses += [f"under {listed(names[:4])}, {listed(steps)}"] if steps else []
    if clauses:
        text = "; ".join(clauses)
        yield Finding("note", f"{text[0].upper()}{text[1:]}.")


CHECKS = (given, guard, returns, variety, furthest, where)
