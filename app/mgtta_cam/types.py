"""The architecture on one page: what travels through the program, who produces it and who consumes it.

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

    index: int  # 0, 1, 2, ... in the source's own order, never renumbered
    seconds: float  # media time since the start of the stream
    image: Image  # what the viewer and the model see, after corruption
    label: int | None = None  # the true class, if known
    corruption: tuple[str, int] | None = None  # (name, severity 1..5) of the synthetic corruption
    ms: Mapping[str, float] = field(default_factory=dict)  # time spent on it so far, by stage
    dropped: Mapping[str, int] = field(default_factory=dict)  # frames dropped just before it, by cause
    grabbed: float | None = None  # monotonic seconds when it arrived or was due; None for files at full speed
    connection: int = 0  # how often a live source had reconnected before it
    cut: bool = False  # a new scene begins with it
    rejected: str | None = None  # why the model must not adapt to it: black, frozen, ...; it is still classified
    clean: Image | None = None  # `image` before its synthetic corruption
    crop: Image | None = None  # the model's input, uint8 [s, s, 3] RGB, if it was prefetched


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """Running accuracy of one model, or an estimate of it where frames have no labels.

    `teacher`: agreement with the source model on the same frames without their synthetic corruption. `estimate`: mean
    confidence (`mgtta_cam.metrics.predictions.confidence`).
    """

    n: int  # number of frames it is based on
    overall: float  # 0..1, over all of them
    recent: float  # 0..1, over the last 200
    curve: tuple[float, ...] = field(repr=False)  # 0..1, `recent` over time, oldest first, at most 120 points
    by: Literal["labels", "teacher", "estimate"] = "labels"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the adapted model is better than the frozen one: a sign test over scenes (`metrics.accuracy.Paired`)."""

    better: int  # scenes in which it was right more often
    worse: int
    p: float  # two-sided p-value, 0..1: the probability of a difference this clear by chance


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """One update of the model from one window of frames."""

    number: int  # 1, 2, ... since the last reset
    frames: tuple[int, ...]  # indices of the window's members, in order
    stats: Mapping[str, float]  # loss terms and norms, as `mgtta.types.Step.stats`
    digest: str = ""  # digest of all adapted parameters after it
    traces: Traces | None = field(default=None, repr=False)  # the same per tensor
    ms: float = 0.0  # its duration
    skipped: str | None = None  # why the model was not changed
    alarms: Mapping[str, float] = field(default_factory=dict)  # what exceeds the guard's limits, in nats


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """A frame with its prediction: everything that a sink may show or write."""

    frame: Frame
    logits: NDArray[np.float32]  # [c], the adapted model
    latency_ms: float  # from the frame's arrival at the pipeline to its prediction
    method: str  # name in METHODS
    updates: int = 0  # updates before this prediction
    frozen_logits: NDArray[np.float32] | None = None  # [c], the source model on the same frame (split view)
    update: Update | None = None  # the update that this frame completed
    teacher: int | None = None  # the class that the source model predicts for the clean frame
    score: Score | None = None  # by labels, else by a teacher, else estimated
    frozen_score: Score | None = None  # for the source model, by the same, in split view
    verdict: Verdict | None = None  # by labels or a teacher, in split view
    estimate: Score | None = None  # estimated accuracy, without labels
    frozen_estimate: Score | None = None  # the same for the source model, in split view
    fps: float = 0.0  # frames per second, recently
    effective_size: float | None = None  # effective sample size of the latest update's frames
    skipped: str | None = None  # why the latest update was skipped: sure, alike, guard, ...
    crop: Image | None = None  # the model's input, uint8 [s, s, 3] RGB
    digest: str = ""  # digest of the crop
    ms: Mapping[str, float] = field(default_factory=dict)  # decode, corrupt, prep, infer, adapt
    top1: int = field(init=False)  # index of the adapted model's most probable class
    frozen_top1: int | None = field(init=False)  # the source model's, in split view

    def __post_init__(self) -> None:
        object.__setattr__(self, "top1", int(self.logits.argmax()))
        frozen = None if self.frozen_logits is None else int(self.frozen_logits.argmax())
        object.__setattr__(self, "frozen_top1", frozen)


class Source(Protocol):
    """Where frames come from: a file, a folder, a camera, a stream."""

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Releases the device or file."""
        ...


class Sink(Protocol):
    """Where results go: a window, a video file, the log. Each sink gets every result once, in order."""

    def write(self, result: FrameResult) -> None:
        """Takes the next result."""
        ...

    def close(self) -> None:
        """Finishes and closes what was written."""
        ...


Stage = Callable[[Iterable[Frame]], Iterator[Frame]]
