"""Cameras and network streams: time stamps of the monotonic clock, and an end that is told from a loss."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import cv2

from app.errors import SourceDamagedError, SourceError, SourceLostError
from app.sources.capture import open_camera, open_capture, read
from app.types import Frame

FFMPEG_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"  # process-wide; OpenCV reads it when it opens a stream


class LiveSource:
    """A camera (by number) or a stream (by address), frame after frame as they come.

    Use it behind a `Reader` that keeps only the freshest frame: a slow reader would fall further behind for ever.
    `shown` is the address as it may be shown, without secrets.

    Raises:
        SourceError: if it does not open within the timeout.
        SourceLostError: on iteration, when no further frame comes.
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
    ) -> None:
        self._shown = shown
        self._read_timeout_s = read_timeout_s
        if isinstance(address, int):
            capture = open_camera(address)
        else:
            if rtsp_transport != "auto" and address.lower().startswith("rtsp"):
                os.environ.setdefault(FFMPEG_OPTIONS, f"rtsp_transport;{rtsp_transport}")
            capture = open_capture(address, open_timeout_s, read_timeout_s)
        if capture is None:
            what = "camera" if isinstance(address, int) else "stream"
            raise SourceError(f"the {what} {shown} does not open; is it there, free, and the address right?")
        self._capture: cv2.VideoCapture | None = capture
        rate, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._promised = int(count) if 0 < count < 1e9 else None  # a file behind an http address has an end
        self.fps = rate if 0 < rate <= 240 else 30.0
        self.facts: dict[str, object] = {
            "kind": "camera" if isinstance(address, int) else "stream",
            "name": shown,
            "width": int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            "height": int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            "fps": self.fps,
            "promised": self._promised,
            "delivered": 0,
        }

    def __iter__(self) -> Iterator[Frame]:
        capture, self._capture = self._capture, None
        if capture is None:
            raise SourceLostError(f"{self._shown} was read to its end; a live source plays once")
        index, first = 0, time.monotonic()
        try:
            while True:
                began = time.perf_counter()
                image = read(capture)
                if image is None:
                    break
                now = time.monotonic()
                first = first if index else now
                decode_ms = (time.perf_counter() - began) * 1000
                yield Frame(index, now - first, image, ms={"decode": decode_ms}, grabbed=now)
                index += 1
                self.facts["delivered"] = index
        finally:
            capture.release()
        if not index:
            raise SourceDamagedError(f"{self._shown} opened, but gave no frame within {self._read_timeout_s:g} s")
        raise SourceLostError(
            f"{self._shown} was lost after {index} frames: no frame within {self._read_timeout_s:g} s"
        )

    def close(self) -> None:
        """Lets the device go, if it was opened and never read."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None
