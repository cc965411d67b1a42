"""All that a log says, as compact arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mgtta_cam.report.columns import Floats

UNKNOWN = -1  # in columns of numbers of classes, and of yes and no
CLEAN = "clean"


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Answered frames, in order: each field is an array [frames]."""

    t: Floats  # seconds since the log began
    media_s: Floats
    index: NDArray[np.int64]  # in the source's own order
    age_ms: Floats  # NaN of files
    infer_ms: Floats  # NaN where it took less than 0.5 ms
    entropy: Floats  # nats
    corruption: NDArray[np.int16]  # number in Run.corruptions; 0 is clean
    answer: NDArray[np.int32]  # numbers in Run.classes
    p: Floats  # probability of the answer
    frozen: NDArray[np.int32]  # the same of the source model; UNKNOWN where it was not asked
    frozen_p: Floats
    truth: NDArray[np.int32]
    right: NDArray[np.int8]  # 1 yes, 0 no
    same: NDArray[np.int8]  # whether both models gave one answer
    teacher: NDArray[np.int8]  # whether a teacher agreed: the source model on the clean frame
    frozen_teacher: NDArray[np.int8]  # whether it agreed with the source model on the corrupted frame
    cut: NDArray[np.int8]  # 1 where a scene begins
    digest: NDArray[np.uint64]  # of the model's input

    def __len__(self) -> int:
        return len(self.t)


@dataclass(frozen=True, slots=True, eq=False)
class Updates:
    """Updates, in order: each array has one row an update."""

    facts: Mapping[str, Floats]  # t, n, gnorm, dnorm, lr, ess, ms, size (frames of the window)
    losses: Mapping[str, Floats]  # terms by name
    skipped: tuple[str | None, ...]  # why nothing was learned
    corruption: NDArray[np.int16]  # of the frame before it
    tensors: tuple[str, ...]
    moved: NDArray[np.float32]  # [updates, tensors] distance from the source model's; NaN where it is not known
    sketch: NDArray[np.float32]  # [updates, tensors] their way under random signs

    def __len__(self) -> int:
        return len(self.skipped)


class Event(NamedTuple):
    """Something beside the frames."""

    t: float
    kind: str
    position: int  # frames answered before it
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """All that a log says."""

    path: Path
    header: Mapping[str, Any]
    summary: Mapping[str, Any] | None  # None of a run that was killed, or goes on
    frames: Frames
    updates: Updates
    stats: Mapping[str, Floats]  # by name: t, fps.in, ms.infer.p99, dropped.slot, memory_mb, estimate, ...
    events: tuple[Event, ...]
    classes: tuple[str, ...]
    corruptions: tuple[str, ...]
    dropped: Mapping[str, int]
    rejected: Mapping[str, int]
    seconds: float  # to the last line
    damage: str | None = None  # where the log is not as it was written

    def part(self, name: str) -> Mapping[str, Any]:
        """A mapping in the header; an empty one where there is none."""
        found = self.header.get(name)
        return found if isinstance(found, Mapping) else {}
