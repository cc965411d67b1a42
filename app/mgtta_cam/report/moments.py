"""Frames that tell: the first, where the weather changes, where the guard acted, what was won and lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mgtta_cam.report.run import Run
from mgtta_cam.report.series import Stretch, stretches

MOST = 12
TURNS = {
    "rollback": "the guard took back",
    "guard": "the guard warned",
    "reset": "back to the source model",
    "undo": "an update taken back",
    "method": "another method",
    "reconnect": "the stream was back",
}
CHANGES, OF_EACH = 4, 3  # changes of corruption, and further reasons, that come first


class Moment(NamedTuple):
    """A frame, and why it is shown."""

    position: int  # among the answered frames
    why: str


def moments(run: Run, within: int) -> list[Moment]:
    """At most 12 of the first `within` frames, in order; the most telling ones where there are more."""
    found: dict[int, str] = {}
    within = min(within, len(run.frames))
    for moment in _telling(run, within) if within else ():
        if len(found) < MOST and moment.position < within:
            found.setdefault(moment.position, moment.why)
    return [Moment(position, found[position]) for position in sorted(found)]


def _telling(run: Run, within: int) -> Iterator[Moment]:
    frames = run.frames
    yield Moment(0, "first frame")
    over = stretches(frames.corruption[:within])
    changes = [Moment(stretch.first, f"{run.corruptions[stretch.kind]} begins") for stretch in over[1:]]
    yield from changes[:CHANGES]
    turns = [Moment(event.position, TURNS[event.kind]) for event in run.events if event.kind in TURNS]
    yield from turns[:OF_EACH]
    right, frozen = frames.right == 1, frames.frozen == frames.truth
    known = (frames.right >= 0) & (frames.frozen >= 0)
    yield from _surest(run, over, known & right & ~frozen, "adapting put it right")[:4]
    yield from _surest(run, over, known & ~right & frozen, "adapting put it wrong")[:2]
    yield from _surest(run, over, (frames.right < 0) & (frames.same == 0), "the models differ")[:4]
    yield from (Moment(int(at), "a new scene") for at in np.flatnonzero(frames.cut)[:OF_EACH])
    yield from changes[CHANGES:]
    entropy = np.nan_to_num(frames.entropy[:within])
    yield Moment(int(entropy.argmax()), "most in doubt")
    yield Moment(int(entropy.argmin()), "least in doubt")
    yield Moment(len(frames) - 1, "last frame")


def _surest(run: Run, over: list[Stretch], chosen: NDArray[np.bool_], why: str) -> list[Moment]:
    """Of the chosen frames those with the most probable answer, one for each stretch of a corruption."""
    found = []
    for stretch in over[:MOST]:
        own = np.flatnonzero(chosen[stretch.first : stretch.end]) + stretch.first
        if len(own):
            found.append(Moment(int(own[np.argmax(np.nan_to_num(run.frames.p[own]))]), why))
    return found
