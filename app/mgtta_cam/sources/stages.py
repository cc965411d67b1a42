"""Small stages that label, select, delay and repeat frames; they are chained one after another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from mgtta_cam.events import EventHandler
from mgtta_cam.sources.reader import add_drops
from mgtta_cam.types import Frame, Stage

LONGEST_NAP = 0.05  # seconds; interval in which a stop is noticed


def labeled(label_of: Callable[[int], int | None]) -> Stage:
    """Adds the true class to each frame; `label_of` takes the frame's index in its clip."""

    def stage(frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            yield replace(frame, label=label_of(frame.index))

    return stage


def repeated(play: Callable[[], Iterable[Frame]], times: int, gap_seconds: float) -> Iterator[Frame]:
    """Plays `play()` `times` times, or without end if `times` is 0. Index and time keep increasing.

    `gap_seconds`, one frame's duration, separates the last frame of a round from the first of the next.
    """
    index, seconds, played = 0, 0.0, 0
    while not times or played < times:
        last: Frame | None = None
        for frame in play():
            last = replace(frame, index=index + frame.index, seconds=seconds + frame.seconds)
            yield last
        if last is None:
            return
        index, seconds, played = last.index + 1, last.seconds + gap_seconds, played + 1


def between(start: float, duration: float | None) -> Stage:
    """Keeps frames whose time is in [start, start + duration) seconds; reads all, because seeking is inexact."""

    def stage(frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            if duration is not None and frame.seconds >= start + duration:
                return
            if frame.seconds >= start:
                yield frame

    return stage


def fresh(within_s: float, clock: Callable[[], float] = time.monotonic) -> Stage:
    """Drops live frames older than `within_s` seconds, counted as `stale`."""
    return _thinned(lambda _, frame: frame.grabbed is None or clock() - frame.grabbed <= within_s, "stale")


def every(stride: int) -> Stage:
    """Keeps every `stride`-th frame; the others are counted as dropped by `stride`."""
    return _thinned(lambda position, _: position % stride == 0)


def at_rate(frames_per_second: float) -> Stage:
    """Keeps frames at no more than this rate in stream time, evenly; the others are counted as dropped by `stride`."""
    due = 0.0

    def keep(position: int, frame: Frame) -> bool:
        nonlocal due
        if position and frame.seconds < due - 1e-6:
            return False
        due = max(due, frame.seconds - 1 / frames_per_second) + 1 / frames_per_second
        return True

    return _thinned(keep)


def at_most(count: int) -> Stage:
    """Keeps the first `count` frames, and does not request the next one."""

    def stage(frames: Iterable[Frame]) -> Iterator[Frame]:
        for position, frame in enumerate(frames, start=1):
            yield frame
            if position >= count:
                return

    return stage


def at_own_speed(
    stopped: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Stage:
    """Delays each frame until its time, counted from the first, so that a file behaves like a camera."""

    def stage(frames: Iterable[Frame]) -> Iterator[Frame]:
        begin: float | None = None
        for frame in frames:
            begin = clock() - frame.seconds if begin is None else begin
            due = begin + frame.seconds
            while (early := due - clock()) > 0 and not stopped():
                sleep(min(early, LONGEST_NAP))
            yield replace(frame, grabbed=due)

    return stage


def announcing(emit: EventHandler) -> Stage:
    """Emits an event for each change of corruption or size, and for the first of consecutive rejected frames."""

    def stage(frames: Iterable[Frame]) -> Iterator[Frame]:
        corruption: tuple[str, int] | None = None
        shape: tuple[int, ...] | None = None
        rejected: str | None = None
        for frame in frames:
            if frame.corruption != corruption:
                corruption = frame.corruption
                name, severity = corruption or ("clean", 0)
                emit("corruption-change", frame=frame.index, name=name, severity=severity)
            if shape is not None and frame.image.shape != shape:
                emit("shape-change", frame=frame.index, shape=list(frame.image.shape))
            if frame.rejected and frame.rejected != rejected:
                emit("refused", frame=frame.index, why=frame.rejected)
            shape, rejected = frame.image.shape, frame.rejected
            yield frame

    return stage


def chained(frames: Iterable[Frame], *stages: Stage) -> Iterable[Frame]:
    """Chains stages one after another."""
    for stage in stages:
        frames = stage(frames)
    return frames


def _thinned(keep: Callable[[int, Frame], bool], cause: str = "stride") -> Stage:
    def stage(frames: Iterable[Frame]) -> Iterator[Frame]:
        dropped: dict[str, int] = {}
        for position, frame in enumerate(frames):
            if keep(position, frame):
                yield replace(frame, dropped=add_drops(frame.dropped, dropped)) if dropped else frame
                dropped = {}
            else:
                dropped = add_drops(dropped, frame.dropped, {cause: 1})

    return stage
