"""Select notable frames: the first, changes of corruption, actions of the guard, predictions fixed and broken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mgtta_cam.report.run import Run
from mgtta_cam.report.series import Stretch, stretches

MAX_MOMENTS = 12
TURNS = {
    "rollback": "guard rolled back",
    "guard": "guard warned",
    "reset": "reset to the source model",
    "undo": "update undone",
    "method": "method changed",
    "reconnect": "stream reconnected",
}
CHANGES, PER_REASON = 4, 3  # how many corruption changes, and frames per other reason, take precedence


class Moment(NamedTuple):
    """A frame and why it is shown."""

    position: int  # among the classified frames
    why: str


def moments(run: Run, within: int) -> list[Moment]:
    """At most 12 of the first `within` frames, in order; the most notable ones if there are more."""
    found: dict[int, str] = {}
    within = min(within, len(run.frames))
    for moment in _notable(run, within) if within else ():
        if len(found) < MAX_MOMENTS and moment.position < within:
            found.setdefault(moment.position, moment.why)
    return [Moment(position, found[position]) for position in sorted(found)]


def _notable(run: Run, within: int) -> Iterator[Moment]:
    frames = run.frames
    yield Moment(0, "first frame")
    over = stretches(frames.corruption[:within])
    changes = [Moment(stretch.first, f"{run.corruptions[stretch.kind]} begins") for stretch in over[1:]]
    yield from changes[:CHANGES]
    turns = [Moment(event.position, TURNS[event.kind]) for event in run.events if event.kind in TURNS]
    yield from turns[:PER_REASON]
    right, frozen = frames.right == 1, frames.frozen == frames.truth
    known = (frames.right >= 0) & (frames.frozen >= 0)
    yield from _surest(run, over, known & right & ~frozen, "fixed by adapting")[:4]
    yield from _surest(run, over, known & ~right & frozen, "broken by adapting")[:2]
    yield from _surest(run, over, (frames.right < 0) & (frames.same == 0), "models disagree")[:4]
    yield from (Moment(int(at), "new scene") for at in np.flatnonzero(frames.cut)[:PER_REASON])
    yield from changes[CHANGES:]
    entropy = np.nan_to_num(frames.entropy[:within])
    yield Moment(int(entropy.argmax()), "highest entropy")
    yield Moment(int(entropy.argmin()), "lowest entropy")
    yield Moment(len(frames) - 1, "last frame")


def _surest(run: Run, over: list[Stretch], chosen: NDArray[np.bool_], why: str) -> list[Moment]:
    """The most confident of the chosen frames, one for each stretch of a corruption."""
    found = []
    for stretch in over[:MAX_MOMENTS]:
        own = np.flatnonzero(chosen[stretch.first : stretch.end]) + stretch.first
        if len(own):
            found.append(Moment(int(own[np.argmax(np.nan_to_num(run.frames.p[own]))]), why))
    return found
