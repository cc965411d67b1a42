"""A log's contents as compact arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mgtta_cam.report.columns import Floats

UNKNOWN = -1  # in columns of class numbers and of yes/no values
CLEAN = "clean"


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Classified frames, in order: each field is an array [frames]."""

    t: Floats  # seconds since the log began
    media_s: Floats
    index: NDArray[np.int64]  # the source's own frame number
    age_ms: Floats  # NaN for files
    infer_ms: Floats  # NaN where it took less than 0.5 ms
    entropy: Floats  # nats
    corruption: NDArray[np.int16]  # index into Run.corruptions; 0 is clean
    answer: NDArray[np.int32]  # index into Run.classes
    p: Floats  # probability of that class
    frozen: NDArray[np.int32]  # the source model's answer; UNKNOWN where it did not run
    frozen_p: Floats
    truth: NDArray[np.int32]
    right: NDArray[np.int8]  # 1 yes, 0 no
    same: NDArray[np.int8]  # whether both models agree
    teacher: NDArray[np.int8]  # whether the teacher, the source model on the clean frame, agrees with the adapted model
    frozen_teacher: NDArray[np.int8]  # whether the teacher agrees with the source model on the corrupted frame
    cut: NDArray[np.int8]  # 1 where a scene begins
    digest: NDArray[np.uint64]  # of the model's input

    def __len__(self) -> int:
        return len(self.t)


@dataclass(frozen=True, slots=True, eq=False)
class Updates:
    """Updates, in order: each array has one row per update."""

    facts: Mapping[str, Floats]  # t, n, gnorm, dnorm, lr, ess, ms, size (frames of the window)
    losses: Mapping[str, Floats]  # terms by name
    skipped: tuple[str | None, ...]  # why the model was left unchanged; None: it was updated
    corruption: NDArray[np.int16]  # of the preceding frame
    tensors: tuple[str, ...]
    moved: NDArray[np.float32]  # [updates, tensors] distance from the source model's tensor; NaN where unknown
    sketch: NDArray[np.float32]  # [updates, tensors] displacement projected on random signs

    def __len__(self) -> int:
        return len(self.skipped)


class Event(NamedTuple):
    """An event of the run."""

    t: float
    kind: str
    position: int  # frames classified before it
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A log's contents."""

    path: Path
    header: Mapping[str, Any]
    summary: Mapping[str, Any] | None  # None if the run was killed or is still running
    frames: Frames
    updates: Updates
    stats: Mapping[str, Floats]  # by name: t, fps.in, ms.infer.p99, dropped.slot, memory_mb, estimate, ...
    events: tuple[Event, ...]
    classes: tuple[str, ...]
    corruptions: tuple[str, ...]
    dropped: Mapping[str, int]
    rejected: Mapping[str, int]
    seconds: float  # until the last line
    damage: str | None = None  # where the log was changed after it was written

    def part(self, name: str) -> Mapping[str, Any]:
        """A mapping in the header; empty if there is none."""
        found = self.header.get(name)
        return found if isinstance(found, Mapping) else {}
