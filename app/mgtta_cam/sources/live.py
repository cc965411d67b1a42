"""Cameras and network streams, with timestamps of the monotonic clock; a lost source is reopened."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import cv2

from mgtta_cam.errors import SourceDamagedError, SourceError, SourceLostError
from mgtta_cam.events import EventHandler, ignore
from mgtta_cam.sources.backoff import Backoff
from mgtta_cam.sources.capture import Capture, facts_of, open_camera, open_capture
from mgtta_cam.sources.decoding import Deadline, Decoding, Why
from mgtta_cam.types import Frame

FFMPEG_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"  # process-wide; OpenCV reads it when it opens a stream
GRACE_S = 5.0  # a call that exceeds its timeout by this much is stuck
NAP_S = 0.05  # interval in which a stop is noticed while waiting to reconnect


class LiveSource:
    """Yields the frames of a camera (by number) or a stream (by address) as they arrive.

    Use it behind a `Reader` that keeps only the freshest frame, because a slow reader would fall ever further behind.
    After a reconnect, frames may have another size; `Frame.connection` counts the reconnects.

    Args:
        address: a camera's number or its lasting name in /dev/v4l/, or a stream's address.
        shown: the address for messages, without secrets.
        open_timeout_s: seconds to wait for a stream to open.
        read_timeout_s: seconds to wait for a frame before the source counts as lost.
        rtsp_transport: tcp, udp, or auto.
        reconnect: delays between attempts to reopen a lost source; None never reopens it.
        max_bad_reads: consecutive immediate failures that mean the end; fewer are damaged packets.
        stopped: checked while waiting; True ends the iteration.
        emit: gets `stall`, `corrupt-read`, `lost`, `retry` and `reconnect` events, on the reading thread.
        wrap: wraps each opened capture, as `Chaos` does.

    Raises:
        SourceError: if it does not open within the timeout; the message gives the reason, if known.
        SourceLostError: on iteration, when no frame comes and no attempt to reconnect is left.
        SourceDamagedError: on iteration, if it never delivered a frame.
    """

    def __init__(
        self,
        address: str | int,
        *,
        shown: str,
        open_timeout_s: float = 10.0,
        read_timeout_s: float = 5.0,
        rtsp_transport: str = "tcp",
        reconnect: Backoff | None = None,
        max_bad_reads: int = 256,
        stopped: Callable[[], bool] = lambda: False,
        emit: EventHandler = ignore,
        wrap: Callable[[Capture], Capture] = lambda capture: capture,
    ) -> None:
        self._address, self._shown, self._transport = address, shown, rtsp_transport
        self._camera = isinstance(address, int) or address.startswith("/dev/")
        self._open_timeout_s, self._read_timeout_s = open_timeout_s, read_timeout_s
        self._reconnect, self._max_bad_reads = reconnect, max_bad_reads
        self._stopped, self._emit, self._wrap = stopped, emit, wrap
        self._deadline = Deadline()
        self._chance = random.Random()  # noqa: S311  not a secret
        began = time.monotonic()
        capture = self._open()
        if capture is None:
            if self._camera:
                raise SourceError(
                    f"the camera {shown} cannot be opened: check that it is connected and not in use by another program"
                )
            from mgtta_cam.sources.open_errors import why_not

            why = why_not(str(address), time.monotonic() - began, open_timeout_s)
            raise SourceError(f"the stream {shown} cannot be opened: {why}")
        self._capture: Capture | None = capture
        rate, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._promised = int(count) if 0 < count < 1e9 else None  # a file behind an http address has an end
        self.fps = rate if 0 < rate <= 240 else 30.0
        self.facts: dict[str, Any] = {
            "kind": "camera" if self._camera else "stream",
            "name": shown,
            **facts_of(capture),
            "fps": self.fps,
            "promised": self._promised,
            "delivered": 0,
            "reconnects": 0,
        }

    def __iter__(self) -> Iterator[Frame]:
        capture, self._capture = self._capture, None
        if capture is None:
            raise SourceLostError(f"{self._shown} has ended; a live source plays only once")
        waits = self._waits()
        index, first, why = 0, 0.0, ""
        while capture is not None:
            connection, before = self.facts["reconnects"], index
            pictures = self._decoding(capture)
            for image, decode_ms, bad, rejected in pictures:
                now = time.monotonic()
                first = first if index else now
                yield Frame(
                    index,
                    now - first,
                    image,
                    ms={"decode": decode_ms},
                    dropped={"corrupt": bad} if bad else {},
                    grabbed=now,
                    connection=connection,
                    rejected=rejected,
                )
                index += 1
                self.facts["delivered"] = index
            if pictures.why == "end" or self._stopped():
                return
            why = self._reason(pictures.why)
            waits = self._waits() if index > before else waits
            capture = self._again(waits, index, why)
        if self._stopped():
            return
        if not index:
            raise SourceDamagedError(f"{self._shown} opened, but delivered no frame within {self._read_timeout_s:g} s")
        raise SourceLostError(f"{self._shown} was lost after {index} frames: {why}")

    def watch(self) -> None:
        """Checks, from another thread, that the reading thread is not stuck.

        Raises:
            SourceLostError: if a call to OpenCV hangs despite its timeout, as camera drivers can.
        """
        if self._deadline.missed_by(GRACE_S):
            raise SourceLostError(f"{self._shown} hangs: a read has exceeded its timeout by {GRACE_S:g} s")

    def close(self) -> None:
        """Releases the device if it was opened but never read."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _decoding(self, capture: Capture) -> Decoding:
        return Decoding(
            capture,
            promised=self._promised,
            read_timeout_s=self._read_timeout_s,
            max_bad_reads=self._max_bad_reads,
            stopped=self._stopped,
            emit=self._emit,
            deadline=self._deadline,
        )

    def _again(self, waits: Iterator[float], frames: int, why: str) -> Capture | None:
        """Reconnects after as many delays as it takes; returns None if no attempt is left or the run was stopped."""
        lost_at = time.monotonic()
        if self._reconnect is not None:
            self._emit("lost", name=self._shown, frames=frames, why=why)
        for wait_s in waits:
            self._emit("retry", wait_s=round(wait_s, 3))
            until = time.monotonic() + wait_s
            while (left := until - time.monotonic()) > 0 and not self._stopped():
                time.sleep(min(left, NAP_S))
            if self._stopped():
                return None
            if (capture := self._open()) is not None:
                self.facts["reconnects"] += 1
                after_s = round(time.monotonic() - lost_at, 3)
                self._emit("reconnect", name=self._shown, after_s=after_s, **facts_of(capture))
                return capture
        return None

    def _open(self) -> Capture | None:
        with self._deadline.within(self._open_timeout_s):
            if self._camera:
                capture = open_camera(self._address, self._read_timeout_s)
            else:
                address = str(self._address)
                if self._transport != "auto" and address.lower().startswith("rtsp"):
                    os.environ.setdefault(FFMPEG_OPTIONS, f"rtsp_transport;{self._transport}")
                capture = open_capture(address, self._open_timeout_s, self._read_timeout_s)
        return None if capture is None else self._wrap(capture)

    def _waits(self) -> Iterator[float]:
        return self._reconnect.waits(self._chance) if self._reconnect is not None else iter(())

    def _reason(self, why: Why) -> str:
        if why == "stall":
            return f"no frame within {self._read_timeout_s:g} s"
        return "the connection ended, or its data cannot be decoded"
