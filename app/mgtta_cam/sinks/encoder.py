"""Encode a video in a separate process: `python encoder.py PATH FOURCC FPS`, with raw pictures on stdin.

OpenCV buffers the last 256 KiB of a file, and an .mp4 without its end is unreadable. If the drawing program is
killed, the pipe closes and this process still finishes the file. It imports little, to start fast.
"""

from __future__ import annotations

import signal
import struct
import sys
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mgtta_cam.sinks.webm import WebM

SIZE = struct.Struct("<II")  # width and height in pixels; precedes the first picture
READY = "ready"  # first line on stdout if the file could be opened; any other line says what went wrong
WEBM = "VP80"  # the codec that is written by `mgtta_cam.sinks.webm`, the others by OpenCV


class Writer(Protocol):
    """A video file in the making."""

    def write(self, image: NDArray[np.uint8], /) -> None:
        """Appends a picture, uint8 [h, w, 3] RGB; an OSError if the disk does not take it."""
        ...

    def close(self) -> None:
        """Finishes the file."""
        ...


class ByOpenCV:
    """What OpenCV's encoders write; an OSError if it has none for this, or the disk takes nothing."""

    def __init__(self, path: Path, codec: str, fps: float, size: tuple[int, int]) -> None:
        fourcc = cv2.VideoWriter.fourcc(codec[0], codec[1], codec[2], codec[3])
        self._writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, fps, size)
        if not self._writer.isOpened():
            raise OSError(f"the disk does not take it, or this OpenCV has no encoder {codec} for {size[0]} x {size[1]}")

    def write(self, image: NDArray[np.uint8]) -> None:
        """Appends a picture, uint8 [h, w, 3] RGB."""
        # OpenCV 4 returns None, OpenCV 5 whether the picture was taken.
        if self._writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR)) is False:
            self._writer.release()
            raise OSError

    def close(self) -> None:
        """Writes the index, and says nothing if that fails."""
        self._writer.release()


def main() -> int:
    """Encode pictures, uint8 [h, w, 3] RGB, until the pipe closes; returns the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the drawing program decides when to stop
        signal.signal(number, signal.SIG_IGN)
    path, codec, fps = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    pictures = open(0, "rb")  # noqa: SIM115  stdin, until the process ends
    size = pictures.read(SIZE.size)
    if len(size) < SIZE.size:
        return 0
    width, height = SIZE.unpack(size)
    try:
        kind = (fps, (width, height))
        writer: Writer = WebM(path, *kind) if codec == WEBM else ByOpenCV(path, codec, *kind)
    except OSError as error:
        return failed(error.strerror or str(error))
    print(READY, flush=True)
    image = np.empty((height, width, 3), np.uint8)
    try:
        while pictures.readinto(image.reshape(-1).data) == image.size:
            writer.write(image)
        writer.close()
    except OSError:
        return failed("the disk is full or does not take the data")
    check = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not (check.isOpened() and check.grab()):
        return failed("the file could not be finished: the disk is full or not writable")
    return 0


def failed(why: str) -> int:
    """Report a failure on stdout; returns the exit status."""
    print(why, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
