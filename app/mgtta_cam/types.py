"""The architecture on one page: what travels through the program, and who makes and takes it.

Source -> Stage (corruption, crop) -> pipeline -> FrameResult -> Sink
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mgtta_cam.digests import Traces

Image = NDArray[np.uint8]  # [h, w, 3] RGB, 0..255


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of the stream, from the moment it leaves its source."""

    index: int  # 0, 1, 2, ... in the source's own order; nobody renumbers it
    seconds: float  # media time since the start of the stream
    image: Image  # what the viewer sees and the model is given, after corruption
    label: int | None = None  # the true class, where it is known
    corruption: tuple[str, int] | None = None  # (name, severity 1..5) of the synthetic corruption
    ms: Mapping[str, float] = field(default_factory=dict)  # time spent on it so far, by station
    dropped: Mapping[str, int] = field(default_factory=dict)  # frames left out just before it, by cause
    grabbed: float | None = None  # monotonic seconds when it arrived or was due; None of files at full speed
    connection: int = 0  # how often a live source had been opened again before it
    cut: bool = False  # a new scene begins with it
    rejected: str | None = None  # why it must not teach: black, frozen, ...; it is answered all the same
    clean: Image | None = None  # `image` before its synthetic corruption
    crop: Image | None = None  # the model's input, uint8 [s, s, 3] RGB, where it was made prefetched_frames


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """Running accuracy of one model, or what stands for it where frames have no labels.

    `teacher`: agreement with the source model on the same frames without their synthetic corruption. `estimate`: what
    the model's own answers let expect (`mgtta_cam.metrics.metrics.Expected`).
    """

    n: int  # frames that it rests on
    overall: float  # 0..1, over all of them
    recent: float  # 0..1, over the last 200
    curve: tuple[float, ...] = field(repr=False)  # 0..1, `recent` over time, oldest first, at most 120 points
    by: Literal["labels", "teacher", "estimate"] = "labels"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the adapted model is better than the frozen one: a sign test over scenes (`metrics.accuracy.Paired`)."""

    better: int  # scenes in which it was right more often
    worse: int
    p: float  # of so clear a difference by chance, both ways: 0..1


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """What one window of frames taught the model."""

    number: int  # 1, 2, ... since the last reset
    frames: tuple[int, ...]  # indices of the window's members, in order
    stats: Mapping[str, float]  # loss terms and norms, as `mgtta.types.Step.stats`
    digest: str = ""  # of all adapted parameters after it
    traces: Traces | None = field(default=None, repr=False)  # the same, tensor by tensor
    ms: float = 0.0  # that it took
    skipped: str | None = None  # why nothing was learned
    alarms: Mapping[str, float] = field(default_factory=dict)  # what the guard measured beyond its limits, in nats


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """A frame with its answer: all that a sink may show or write."""

    frame: Frame
    logits: NDArray[np.float32]  # [c], the adapted model
    latency_ms: float  # from the frame's arrival at the pipeline to its answer
    method: str  # name in METHODS
    updates: int = 0  # updates learned before this answer
    frozen_logits: NDArray[np.float32] | None = None  # [c], the source model on the same frame (split view)
    update: Update | None = None  # the update that this frame completed
    teacher: int | None = None  # the class that the source model sees in the clean frame
    score: Score | None = None  # by labels, else by a teacher, else as estimated
    frozen_score: Score | None = None  # by the same, in split view
    verdict: Verdict | None = None  # by labels or a teacher, in split view
    estimate: Score | None = None  # of accuracy, without labels
    frozen_estimate: Score | None = None  # the same, in split view
    fps: float = 0.0  # answered frames a second, recent
    effective_size: float | None = None  # effective sample size of the frames that the latest update was made of
    skipped: str | None = None  # why the latest update taught nothing: sure, alike, guard, ...
    crop: Image | None = None  # the model's input, uint8 [s, s, 3] RGB
    digest: str = ""  # of the crop
    ms: Mapping[str, float] = field(default_factory=dict)  # decode, corrupt, prep, infer, adapt


class Source(Protocol):
    """Where frames come from: a file, a folder, a camera, a stream."""

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Lets go of the device or file."""
        ...


class Sink(Protocol):
    """Where results go: a window, a video file, the log. Each gets every result once, in order."""

    def write(self, result: FrameResult) -> None:
        """Takes the next result."""
        ...

    def close(self) -> None:
        """Brings all that was written to its end."""
        ...


Stage = Callable[[Iterable[Frame]], Iterator[Frame]]
