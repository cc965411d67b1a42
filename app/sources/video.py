"""A video file, every frame in order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2

from app.errors import SourceDamagedError, SourceError
from app.sources.capture import open_capture, read
from app.types import Frame

BAD_READS_AT_END = 256  # `read` answers False for a damaged packet as for the end: only many in a row mean the end


class VideoSource:
    """Every frame of a video file, in order; iterate it again to play it again.

    `facts` tells what the file promises (`promised`, frames; None where it does not say) and what came (`delivered`).

    Raises:
        SourceError: if there is no such file or it is not a video.
        SourceDamagedError: on iteration, if not one frame can be decoded.
    """

    def __init__(self, path: Path, *, open_timeout_s: float = 10.0, read_timeout_s: float = 5.0) -> None:
        if not path.exists():
            raise SourceError(f"no such file: {path}; --source expects a video, a folder of pictures or an address")
        self._path = path
        self._timeouts = open_timeout_s, read_timeout_s
        self._capture: cv2.VideoCapture | None = self._open()
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self._promised = int(count) if 0 < count < 1e9 else None
        self.fps = rate if 0 < rate <= 1000 else 25.0
        self.facts: dict[str, object] = {
            "kind": "video",
            "name": path.name,
            "width": int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            "height": int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            "fps": self.fps,
            "promised": self._promised,
            "delivered": 0,
        }

    def __iter__(self) -> Iterator[Frame]:
        capture = self._capture or self._open()
        self._capture = None
        delivered = bad = 0
        began = time.perf_counter()
        try:
            while bad < BAD_READS_AT_END and not (bad and delivered == self._promised):
                image = read(capture)
                if image is None:
                    bad += 1
                    continue
                bad = 0
                media_ms = capture.get(cv2.CAP_PROP_POS_MSEC)
                seconds = media_ms / 1000 if media_ms > 0 else delivered / self.fps
                decode_ms = (time.perf_counter() - began) * 1000
                yield Frame(delivered, seconds, image, ms={"decode": decode_ms})
                delivered += 1
                self.facts["delivered"] = delivered
                began = time.perf_counter()
        finally:
            capture.release()
        if not delivered:
            raise SourceDamagedError(
                f"{self._path}: not one of {self._promised or 'its'} frames can be decoded; is it damaged, or of a "
                "format that this OpenCV cannot read?"
            )

    def close(self) -> None:
        """Lets the file go, if it was opened and never read."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _open(self) -> cv2.VideoCapture:
        capture = open_capture(str(self._path), *self._timeouts)
        if capture is None:
            raise SourceError(f"{self._path} is not a video that OpenCV can open")
        return capture
