"""A video file, every frame in order."""

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

TOLERANCE_S = 0.5  # of a promised duration: the last frame's own, and what sound goes on for
COUNTLESS = (b"\x1aE\xdf\xa3", b"G")  # how Matroska, WebM and MPEG-TS begin


def counts_no_frames(path: Path) -> bool:
    """Whether a file is of a kind that knows its duration only: OpenCV makes a count up, wrong for variable rates."""
    with path.open("rb") as file:
        return file.read(4).startswith(COUNTLESS)


class VideoSource:
    """Every frame of a video file, in order; iterate it again to play it again.

    `facts` tells what the file promises (`promised`, frames, or `promised_s`, seconds, where it counts no frames; None
    where it does not say) and what came (`delivered`).

    Args:
        path: of the file.
        open_timeout_s: to wait for it to open.
        read_timeout_s: to wait for a frame.
        max_bad_reads: failed reads in a row that mean the end; fewer are damaged packets.
        on_corrupt: skip them, or end at the first.
        strict: fewer frames than promised are an error.
        emit: hears of `corrupt-read`, and of `missing` frames at the end; on the thread that iterates.
        meddle: puts something between an opened file and its reader, as `Chaos` does.

    Raises:
        SourceError: if there is no such file or it is not a video.
        SourceDamagedError: on iteration, if not one frame can be decoded; with `strict`, if frames are missing.
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
        meddle: Callable[[Capture], Capture] = lambda capture: capture,
    ) -> None:
        if not os.path.exists(path):
            raise SourceError(f"no such file: {path}; --source expects a video, a folder of pictures or an address")
        self._path = path
        self._timeouts = open_timeout_s, read_timeout_s
        self._strict, self._emit, self._meddle = strict, emit, meddle
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
            # After damage OpenCV's clock may jump back.
            seconds = max(seconds, media_ms / 1000 if media_ms > 0 else delivered / self.fps)
            dropped = {"corrupt": bad} if bad else {}
            yield Frame(delivered, seconds, image, ms={"decode": decode_ms}, dropped=dropped, rejected=rejected)
            delivered += 1
            self.facts["delivered"] = delivered
        if not delivered:
            raise SourceDamagedError(
                f"{self._path}: not one of {self._promised or 'its'} frames can be decoded; is it damaged, or of a "
                "format that this OpenCV cannot read?"
            )
        missing = None
        if self._promised is not None and delivered < self._promised:
            missing = f"{self._path} promised {self._promised} frames and gave {delivered}"
        elif self._promised_s is not None and seconds + TOLERANCE_S < self._promised_s:
            missing = f"{self._path} promised {self._promised_s:.1f} s and gave {seconds:.1f}"
        if missing is not None:
            if self._strict:
                raise SourceDamagedError(f"{missing}; without --strict that is a warning")
            self._emit("missing", why=missing)

    def close(self) -> None:
        """Lets the file go, if it was opened and never read."""
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
        return self._meddle(capture)
