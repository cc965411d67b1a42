"""Encodes a video in a process of its own: `python encoder.py PATH FOURCC FPS`, raw pictures on stdin.

OpenCV holds the last 256 KiB of a file back, and an .mp4 without its end is lost. When the program that draws is
killed, the pipe ends here, and the file is finished all the same. It imports little, and so starts quickly.
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

SIZE = struct.Struct("<II")  # width and height in pixels: what comes first
READY = "ready"  # the first line that is answered, if the file could be opened; another line says what went wrong
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
    """Takes pictures until the pipe ends: uint8 [h, w, 3] RGB each."""
    for number in (signal.SIGINT, signal.SIGTERM):  # whoever draws decides when the end has come
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
        return failed("it was not finished, as the disk is full or does not take the data")
    return 0


def failed(why: str) -> int:
    """Says so."""
    print(why, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
