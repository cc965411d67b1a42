"""A video file as a source, every frame in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import cv2

from mgtta_cam.digests import of_file
from mgtta_cam.errors import SourceDamagedError, SourceError
from mgtta_cam.events import EventHandler, ignore
from mgtta_cam.sources.capture import Capture, facts_of, open_capture
from mgtta_cam.sources.decoding import Decoding
from mgtta_cam.types import Frame

TOLERANCE_S = 0.5  # of the promised duration: the last frame's own, and sound that lasts longer
COUNTLESS = (b"\x1aE\xdf\xa3", b"G")  # first bytes of Matroska, WebM and MPEG-TS


def counts_no_frames(path: Path) -> bool:
    """Returns whether a file's format stores no frame count; OpenCV then guesses one, wrong for variable rates."""
    with path.open("rb") as file:
        return file.read(4).startswith(COUNTLESS)


class VideoSource:
    """Yields every frame of a video file, in order; iterate again to play it again.

    `facts` holds what the file promises (`promised`, frames, or `promised_s`, seconds, if its format stores no count;
    None if unknown) and how many frames it delivered (`delivered`).

    Args:
        path: the file.
        open_timeout_s: seconds to wait for it to open.
        read_timeout_s: seconds to wait for a frame.
        max_bad_reads: consecutive failed reads that mean the end; fewer are damaged packets.
        on_corrupt: skip damaged packets, or stop at the first.
        strict: whether fewer frames than promised are an error.
        emit: gets `corrupt-read` events, and `missing` at the end; on the iterating thread.
        wrap: wraps the opened capture, as `Chaos` does.

    Raises:
        SourceError: if there is no such file, or it is not a video.
        SourceDamagedError: on iteration, if no frame can be decoded; with `strict`, if frames are missing.
    """

    def __init__(
        self,
        path: Path,
        *,
        open_timeout_s: float = 10.0,
        read_timeout_s: float = 5.0,
        max_bad_reads: int = 256,
        on_corrupt: Literal["skip", "stop"] = "skip",
        strict: bool = False,
        emit: EventHandler = ignore,
        wrap: Callable[[Capture], Capture] = lambda capture: capture,
    ) -> None:
        if not os.path.exists(path):
            raise SourceError(f"no such file: {path}; --source expects a video, a folder of pictures or an address")
        self._path = path
        self._timeouts = open_timeout_s, read_timeout_s
        self._strict, self._emit, self._wrap = strict, emit, wrap
        self._damage: Any = {"max_bad_reads": max_bad_reads, "on_corrupt": on_corrupt}
        self._capture: Capture | None = self._open()
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = rate if 0 < rate <= 1000 else 25.0
        counted = int(count) if 0 < count < 1e9 else None
        estimated = counted is not None and counts_no_frames(path)
        self._promised = None if estimated else counted
        self._promised_s = counted / self.fps if counted is not None and estimated else None
        self.facts: dict[str, object] = {
            "kind": "video",
            "name": path.name,
            **facts_of(self._capture),
            "fps": self.fps,
            "promised": self._promised,
            "promised_s": None if self._promised_s is None else round(self._promised_s, 3),
            "delivered": 0,
            "digest": of_file(path),
        }

    def __iter__(self) -> Iterator[Frame]:
        capture = self._capture or self._open()
        self._capture = None
        delivered, seconds = 0, 0.0
        for image, decode_ms, bad, rejected in self._decoding(capture):
            media_ms = capture.get(cv2.CAP_PROP_POS_MSEC)
            # OpenCV's clock may jump back after damage.
            seconds = max(seconds, media_ms / 1000 if media_ms > 0 else delivered / self.fps)
            dropped = {"corrupt": bad} if bad else {}
            yield Frame(delivered, seconds, image, ms={"decode": decode_ms}, dropped=dropped, rejected=rejected)
            delivered += 1
            self.facts["delivered"] = delivered
        if not delivered:
            raise SourceDamagedError(
                f"{self._path}: none of {self._promised or 'its'} frames can be decoded; it may be damaged, or in a "
                "format that this OpenCV cannot read"
            )
        missing = None
        if self._promised is not None and delivered < self._promised:
            missing = f"{self._path} promised {self._promised} frames and delivered {delivered}"
        elif self._promised_s is not None and seconds + TOLERANCE_S < self._promised_s:
            missing = f"{self._path} promised {self._promised_s:.1f} s and delivered {seconds:.1f} s"
        if missing is not None:
            if self._strict:
                raise SourceDamagedError(f"{missing}; without --strict, this is only a warning")
            self._emit("missing", why=missing)

    def close(self) -> None:
        """Closes the file if it was opened but never read."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _decoding(self, capture: Capture) -> Decoding:
        _, read_timeout_s = self._timeouts
        return Decoding(
            capture, promised=self._promised, read_timeout_s=read_timeout_s, emit=self._emit, **self._damage
        )

    def _open(self) -> Capture:
        capture = open_capture(str(self._path), *self._timeouts)
        if capture is None:
            raise SourceError(f"{self._path} is not a video that OpenCV can open")
        return self._wrap(capture)
