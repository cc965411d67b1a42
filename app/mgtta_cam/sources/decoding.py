"""Reads a capture to its end, and tells damage from the end and half-decoded pictures from whole ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

import cv2

from mgtta_cam.events import EventHandler, ignore
from mgtta_cam.sources.capture import Capture, read
from mgtta_cam.types import Image

HALF_DECODED, LATE = "half-decoded", "late"  # why a frame is rejected
Why = Literal["end", "cut", "stall", "damage"]


class Picture(NamedTuple):
    """A picture as it was read."""

    image: Image
    decode_ms: float
    bad_reads: int  # failed reads just before it
    rejected: str | None  # HALF_DECODED if it may depend on a lost packet; LATE if it came after a stall


class Deadline:
    """The time by which the current call must return; other threads may check it."""

    def __init__(self) -> None:
        self._due: float | None = None

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Expects the call in this context to return within `seconds`."""
        self._due = time.monotonic() + seconds
        try:
            yield
        finally:
            self._due = None

    def missed_by(self, seconds: float) -> bool:
        """Returns whether the current call is late by more than `seconds`."""
        due = self._due
        return due is not None and time.monotonic() > due + seconds


class Decoding:
    """Iterates over the pictures of a capture, then releases it; `why` holds the reason for the end.

    OpenCV's `read` fails in the same way for a damaged packet, a timeout and the end. A timeout takes its time, damage
    is followed by more pictures, and after the end every read fails. After damage, pictures are rejected until the next
    key frame, because they depend on what was lost. A decoder that held a picture back returns it at the timeout;
    another read would only wait for a second timeout.

    Args:
        capture: just opened.
        promised: number of pictures it should deliver, if known.
        read_timeout_s: the timeout it was opened with.
        max_bad_reads: consecutive immediate failures that mean the end, once all promised pictures were requested.
        on_corrupt: `stop` ends at the first failed read.
        stopped: checked before each read.
        emit: gets `corrupt-read` and `stall` events.
        deadline: set during each read.
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
        """Returns what a failed read means if no picture follows."""
        if self._promised is not None and delivered >= self._promised:
            return "end"
        if seconds >= 0.9 * self._read_timeout_s:
            return self._stalled(seconds, delivered)
        return "damage" if self._promised is not None else "cut"

    def _stalled(self, seconds: float, delivered: int) -> Why:
        self._emit("stall", after=delivered, seconds=round(seconds, 3))
        return "stall"

    def _whole(self) -> bool:
        """Returns whether the latest picture is a key frame, which depends on no other."""
        kind = int(self._capture.get(cv2.CAP_PROP_FRAME_TYPE))
        return chr(kind) not in "PB" if kind > 0 else True
