"""Cameras and network streams: time stamps of the monotonic clock; what is lost is opened again."""

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
GRACE_S = 5.0  # a call that lasts so much longer than its timeout does not come back
NAP_S = 0.05  # while waiting to open again; so that a stop is noticed


class LiveSource:
    """A camera (by number) or a stream (by address), frame after frame as they come.

    Use it behind a `Reader` that keeps only the freshest frame: a slow reader would fall further behind for ever.
    Frames after a new connection may have another size; `Frame.connection` counts the connections before.

    Args:
        address: number of the camera or its lasting name in /dev/v4l/, or the stream's address.
        shown: the address as it may be shown, without secrets.
        open_timeout_s: to wait for a stream to open.
        read_timeout_s: to wait for a frame; then the source is lost.
        rtsp_transport: tcp, udp, or auto.
        reconnect: how a lost source is opened again; None: it is not.
        max_bad_reads: reads that fail at once, in a row, that mean the end; fewer are damaged packets.
        stopped: asked while waiting; True ends the iteration.
        emit: hears of `stall`, `corrupt-read`, `lost`, `retry`, `reconnect`, on the reading thread.
        meddle: puts something between an opened source and its reader, as `Chaos` does.

    Raises:
        SourceError: if it does not open within the timeout, and why, as far as can be told.
        SourceLostError: on iteration, when no further frame comes and all attempts are spent.
        SourceDamagedError: on iteration, if it never gave a frame.
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
        meddle: Callable[[Capture], Capture] = lambda capture: capture,
    ) -> None:
        self._address, self._shown, self._transport = address, shown, rtsp_transport
        self._camera = isinstance(address, int) or address.startswith("/dev/")
        self._open_timeout_s, self._read_timeout_s = open_timeout_s, read_timeout_s
        self._reconnect, self._max_bad_reads = reconnect, max_bad_reads
        self._stopped, self._emit, self._meddle = stopped, emit, meddle
        self._deadline = Deadline()
        self._chance = random.Random()  # noqa: S311  not a secret
        began = time.monotonic()
        capture = self._open()
        if capture is None:
            if self._camera:
                raise SourceError(f"the camera {shown} does not open: is it there, and does no other program use it?")
            from mgtta_cam.sources.open_errors import why_not

            why = why_not(str(address), time.monotonic() - began, open_timeout_s)
            raise SourceError(f"the stream {shown} does not open: {why}")
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
            raise SourceLostError(f"{self._shown} was read to its end; a live source plays once")
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
            raise SourceDamagedError(f"{self._shown} opened, but gave no frame within {self._read_timeout_s:g} s")
        raise SourceLostError(f"{self._shown} was lost after {index} frames: {why}")

    def watch(self) -> None:
        """Looks from another thread whether the reading one still lives.

        Raises:
            SourceLostError: if a call of OpenCV hangs in spite of its timeout, as drivers of cameras can.
        """
        if self._deadline.missed_by(GRACE_S):
            raise SourceLostError(f"{self._shown} hangs: no answer, not even an error, for {GRACE_S:g} s too long")

    def close(self) -> None:
        """Lets the device go, if it was opened and never read."""
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
        """A new connection, after as many waits as it takes; None when all are spent, or somebody stopped the run."""
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
        return None if capture is None else self._meddle(capture)

    def _waits(self) -> Iterator[float]:
        return self._reconnect.waits(self._chance) if self._reconnect is not None else iter(())

    def _reason(self, why: Why) -> str:
        if why == "stall":
            return f"no frame within {self._read_timeout_s:g} s"
        return "the other side ended it, or sends what cannot be read"
