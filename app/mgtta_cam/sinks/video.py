"""Write the drawn pictures to a video file; the container determines the codec."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mgtta_cam.errors import OutputError
from mgtta_cam.outputs import writable
from mgtta_cam.overlay.canvas import blank, place
from mgtta_cam.overlay.ink import Box
from mgtta_cam.sinks import encoder
from mgtta_cam.types import FrameResult, Image


class Container(NamedTuple):
    """A codec that can be written, and what the file type is good for."""

    codec: str  # FourCC
    use: str


CONTAINERS = {
    ".mkv": Container("mp4v", "survives a crash of the machine, except for the last 256 KiB"),
    ".webm": Container(encoder.WEBM, "plays in every browser; small, even with noise"),
    ".mp4": Container("mp4v", "for video players; lost if the machine crashes"),
    ".avi": Container("MJPG", "for old software; large"),
}


LOSSLESS = "FFV1"
PIPE_BYTES = 2**20  # between the two processes
FINISH_TIMEOUT_S = 60.0  # ample time to write a file's index


def check_kind(path: Path) -> None:
    """Check that a file's extension is a known video type.

    Raises:
        OutputError: with the known extensions, if it is not.
    """
    if path.suffix.lower() not in CONTAINERS:
        choices = "; ".join(f"{suffix} ({kind.use})" for suffix, kind in CONTAINERS.items())
        raise OutputError(f"cannot write {path.name}: expected a video file with one of these endings: {choices}")


class VideoSink:
    """Writes each drawn result as one frame of a video.

    A separate process encodes (`mgtta_cam.sinks.encoder`), so the file is complete even if this process is killed.
    The first picture sets the size of the video. A later one of another size (say, from a camera that reconnected
    with another resolution) is letterboxed.

    Args:
        path: the file; its extension selects container and codec, see CONTAINERS.
        fps: frames per second of the video, > 0.
        render: draws a result as an RGB picture with even sides.
        overwrite: replace an existing file.
        stride: record every n-th result, from the first on.
        codec: a FourCC other than the container's default; `LOSSLESS` works in .mkv and .avi.

    Raises:
        ValueError: if fps is not a positive number.
        OutputError: if the extension is unknown, or the file cannot be written or already exists.
    """

    def __init__(
        self,
        path: Path,
        fps: float,
        render: Callable[[FrameResult], Image],
        *,
        overwrite: bool = False,
        stride: int = 1,
        codec: str | None = None,
    ) -> None:
        if not (math.isfinite(fps) and fps > 0):
            raise ValueError(f"fps must be a positive number, got {fps}")
        check_kind(path)
        self._path = writable(path, overwrite=overwrite)
        self._fps = fps
        self._render = render
        self._stride, self._results = stride, 0
        self._size: tuple[int, int] | None = None  # width, height
        codec = codec or CONTAINERS[path.suffix.lower()].codec
        command = [sys.executable, "-P", encoder.__file__, str(path), codec, str(fps)]
        self._encoder: subprocess.Popen[bytes] | None = subprocess.Popen(  # noqa: S603  our own program
            command, stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, pipesize=PIPE_BYTES, start_new_session=True
        )

    def write(self, result: FrameResult) -> None:
        """Append one frame.

        Raises:
            OutputError: if the file cannot be opened or written.
        """
        self._results += 1
        if (self._results - 1) % self._stride:
            return
        image = self._render(result)
        if self._size is None:
            self._open(image)
        assert self._size is not None
        width, height = self._size
        if image.shape[:2] != (height, width):
            canvas = blank(height, width)
            place(image, canvas, Box(0, 0, width, height))
            image = canvas
        self._send(np.ascontiguousarray(image).data)

    def close(self) -> None:
        """Finish the file; a second call does nothing.

        Raises:
            OutputError: if what was written cannot be read back.
        """
        if self._encoder is not None and (why := self._end(self._encoder)):
            raise OutputError(f"cannot write {self._path}: {why}")

    def _open(self, image: Image) -> None:
        height, width = image.shape[:2]
        self._size = (width, height)
        self._send(encoder.SIZE.pack(width, height))
        process = self._encoder
        assert process is not None
        assert process.stdout is not None
        if (answer := process.stdout.readline().decode().strip()) != encoder.READY:
            why = self._end(process)
            raise OutputError(f"cannot write {self._path}: {answer or why}")

    def _send(self, data: bytes | memoryview) -> None:
        process = self._encoder
        assert process is not None
        assert process.stdin is not None
        try:
            process.stdin.write(data)
            process.stdin.flush()
        except BrokenPipeError:
            raise OutputError(f"cannot write {self._path}: {self._end(process)}") from None

    def _end(self, process: subprocess.Popen[bytes]) -> str | None:
        """Wait for the encoder to exit; returns what went wrong, if anything."""
        self._encoder = None
        try:
            words, _ = process.communicate(timeout=FINISH_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return "the disk did not accept the end of the file in time"
        return (words.decode().strip() or "its encoder process was killed") if process.returncode else None
