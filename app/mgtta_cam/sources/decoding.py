"""An opened capture, read to its end: damage is told from the end, and what may be half a picture from a whole one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

import cv2

from mgtta_cam.events import EventHandler, ignore
from mgtta_cam.sources.capture import Capture, read
from mgtta_cam.types import Image

HALF_DECODED, LATE = "half-decoded", "late"  # why a frame must not teach
Why = Literal["end", "cut", "stall", "damage"]


class Picture(NamedTuple):
    """What a read gave."""

    image: Image
    decode_ms: float
    bad_reads: int  # just before it
    rejected: str | None  # HALF_DECODED, if it may be built on a packet that was lost; LATE, if a stall lies before it


class Deadline:
    """When the call at hand should have come back; another thread may look."""

    def __init__(self) -> None:
        self._due: float | None = None

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """While this lasts, a call is expected back within so many seconds."""
        self._due = time.monotonic() + seconds
        try:
            yield
        finally:
            self._due = None

    def missed_by(self, seconds: float) -> bool:
        """Whether a call is that late."""
        due = self._due
        return due is not None and time.monotonic() > due + seconds


class Decoding:
    """The pictures of an opened capture; it is released when they end, and `why` tells the cause.

    OpenCV's `read` says no for a damaged packet as for the end and for a time-out. A time-out takes its time, damage is
    followed by pictures, and after the end nothing comes however often one asks. After damage, pictures are rejected
    until the next key frame: those between are built on what was lost. A decoder that held a picture back gives it
    when the time is out; another read would only wait for a second time-out.

    Args:
        capture: just opened.
        promised: pictures that it should give, where that is known.
        read_timeout_s: the one that it was opened with.
        max_bad_reads: reads that fail at once, in a row, that mean the end, once all that was promised was asked for.
        on_corrupt: `stop` ends at the first bad read.
        stopped: asked between bad reads.
        emit: hears of `corrupt-read` and `stall`.
        deadline: of each read.
    """

    def __init__(
        self,
        capture: Capture,
        *,
        promised: int | None,
        read_timeout_s: float,
        max_bad_reads: int = 256,
        on_corrupt: Literal["skip", "stop"] = "skip",
        stopped: Callable[[], bool] = lambda: False,
        emit: EventHandler = ignore,
        deadline: Deadline | None = None,
    ) -> None:
        self.why: Why = "cut"
        self._capture, self._promised, self._read_timeout_s = capture, promised, read_timeout_s
        self._most_bad, self._skip = max_bad_reads, on_corrupt == "skip"
        self._stopped, self._emit = stopped, emit
        self._deadline = deadline or Deadline()

    def __iter__(self) -> Iterator[Picture]:
        bad, delivered, rejected = 0, 0, None
        try:
            while not self._stopped():
                began = time.monotonic()
                with self._deadline.within(self._read_timeout_s):
                    image = read(self._capture)
                seconds = time.monotonic() - began
                if image is not None:
                    if bad:
                        self._emit("corrupt-read", after=delivered, reads=bad)
                        rejected = HALF_DECODED
                    if rejected and self._whole():
                        rejected = None
                    late = seconds >= self._read_timeout_s
                    yield Picture(image, seconds * 1000, bad, LATE if late else rejected)
                    if late:
                        self.why = self._stalled(seconds, delivered + 1)
                        return
                    bad, delivered = 0, delivered + 1
                    continue
                bad += 1
                self.why = self._cause(seconds, delivered)
                left = (self._promised or 0) - delivered
                if self.why in ("end", "stall") or bad >= (max(self._most_bad, left) if self._skip else 1):
                    return
        finally:
            self._capture.release()

    def _cause(self, seconds: float, delivered: int) -> Why:
        """What a failed read means, if nothing follows."""
        if self._promised is not None and delivered >= self._promised:
            return "end"
        if seconds >= 0.9 * self._read_timeout_s:
            return self._stalled(seconds, delivered)
        return "damage" if self._promised is not None else "cut"

    def _stalled(self, seconds: float, delivered: int) -> Why:
        self._emit("stall", after=delivered, seconds=round(seconds, 3))
        return "stall"

    def _whole(self) -> bool:
        """Whether the latest picture stands on its own: a key frame."""
        kind = int(self._capture.get(cv2.CAP_PROP_FRAME_TYPE))
        return chr(kind) not in "PB" if kind > 0 else True
