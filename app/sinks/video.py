"""The drawn pictures as a video file; the container decides the codec."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2

from app.canvas import blank, place
from app.errors import OutputError
from app.ink import Box
from app.types import FrameResult, Image
from app.writing import writable


class Container(NamedTuple):
    """What OpenCV's wheels can write into a kind of file, and what that is good for."""

    codec: str  # FourCC
    use: str


CONTAINERS = {
    ".mkv": Container("mp4v", "survives if the program is killed, but for the last 256 KiB"),
    ".webm": Container("VP80", "plays in every browser; slow to write"),
    ".mp4": Container("mp4v", "for video players; lost if the program is killed"),
    ".avi": Container("MJPG", "for old software; large"),
}


class VideoSink:
    """Writes each drawn result as one frame of a video.

    The first picture sets the size of the video. A later one of another size (a camera that came back with
    another resolution) is fitted into it, in a dark frame.

    Args:
        path: the file; its ending chooses container and codec, see CONTAINERS.
        fps: frames a second of the video, > 0.
        render: draws a result; RGB pictures with even sides.
        overwrite: replace a file that exists.

    Raises:
        ValueError: if fps is not a positive number.
        OutputError: if the ending is unknown, or the file cannot be written or exists.
    """

    def __init__(
        self, path: Path, fps: float, render: Callable[[FrameResult], Image], *, overwrite: bool = False
    ) -> None:
        if not (math.isfinite(fps) and fps > 0):
            raise ValueError(f"fps must be a positive number, got {fps}")
        if path.suffix.lower() not in CONTAINERS:
            choices = "; ".join(f"{suffix} ({kind.use})" for suffix, kind in CONTAINERS.items())
            raise OutputError(f"cannot write {path.name}: a video ends in one of: {choices}")
        self._path = writable(path, overwrite=overwrite)
        self._fps = fps
        self._render = render
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)  # width, height

    def write(self, result: FrameResult) -> None:
        """Append one frame.

        Raises:
            OutputError: if the file cannot be opened or the disk does not take it.
        """
        image = self._render(result)
        if self._writer is None:
            self._open(image)
        assert self._writer is not None
        width, height = self._size
        if image.shape[:2] != (height, width):
            canvas = blank(height, width)
            place(image, canvas, Box(0, 0, width, height))
            image = canvas
        # OpenCV 4 returns None, OpenCV 5 whether the frame was taken.
        if self._writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR)) is False:
            self._writer.release()
            self._writer = None
            raise OutputError(f"cannot write to {self._path}: the disk is full or does not take the data")

    def close(self) -> None:
        """Finish the file; a second call does nothing.

        Raises:
            OutputError: if what was written cannot be read back.
        """
        writer, self._writer = self._writer, None
        if writer is None:
            return
        writer.release()  # writes the index, and says nothing if that fails
        check = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        readable = check.isOpened() and check.grab()
        check.release()
        if not readable:
            raise OutputError(f"{self._path} was not finished: the disk is full or does not take the data")

    def _open(self, image: Image) -> None:
        height, width = image.shape[:2]
        codec = CONTAINERS[self._path.suffix.lower()].codec
        fourcc = cv2.VideoWriter.fourcc(codec[0], codec[1], codec[2], codec[3])
        writer = cv2.VideoWriter(str(self._path), cv2.CAP_FFMPEG, fourcc, self._fps, (width, height))
        if not writer.isOpened():
            raise OutputError(
                f"cannot write {self._path}: the disk does not take it, or this OpenCV has no encoder "
                f"{codec} for {width} x {height}"
            )
        self._writer, self._size = writer, (width, height)
