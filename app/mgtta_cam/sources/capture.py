"""Opens OpenCV's VideoCapture with FFmpeg and both timeouts, and reads frames as RGB."""

from __future__ import annotations

import math
import os
import re
from typing import Any, Protocol

import cv2
import numpy as np

from mgtta_cam.types import Image


class Capture(Protocol):
    """The part of OpenCV's VideoCapture that is used."""

    def read(self) -> tuple[bool, Any]:
        """Returns whether there is a picture, and the picture, BGR."""
        ...

    def get(self, propId: int) -> float:
        """Returns a property, CAP_PROP_..."""
        ...

    def isOpened(self) -> bool:  # noqa: N802
        """Returns whether it can be read."""
        ...

    def release(self) -> None:
        """Releases the source."""
        ...


def open_capture(address: str, open_timeout_s: float, read_timeout_s: float) -> cv2.VideoCapture | None:
    """Opens a file or an address with FFmpeg; returns None on failure.

    Without the two timeouts, an unresponsive server blocks for 30 s; they work only if CAP_FFMPEG is given.
    """
    timeouts = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        max(1, round(open_timeout_s * 1000)),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        max(1, round(read_timeout_s * 1000)),
    ]
    return _opened(cv2.VideoCapture(address, cv2.CAP_FFMPEG, timeouts))


def open_camera(camera: int | str, read_timeout_s: float) -> cv2.VideoCapture | None:
    """Opens a camera by its number or by a link such as /dev/v4l/by-id/...; returns None on failure.

    Video4Linux waits 10 s for a frame by default; OpenCV reads the variable once per process, in whole seconds.
    """
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(math.ceil(read_timeout_s)))
    if isinstance(camera, str):
        number = re.fullmatch(r"/dev/video(\d+)", os.path.realpath(camera))
        if number is None:
            return None
        camera = int(number[1])
    return _opened(cv2.VideoCapture(camera, cv2.CAP_ANY))


def read(capture: Capture) -> Image | None:
    """Reads the next frame, uint8 [h, w, 3] RGB; returns None at the end, after a timeout, or for a damaged packet."""
    ok, bgr = capture.read()
    return to_rgb(bgr) if ok and bgr is not None and bgr.size else None


def facts_of(capture: Capture) -> dict[str, int | str]:
    """Returns frame size and codec of a capture; both may change when it is reopened."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC))
    codec = "".join(chr(code >> shift & 0xFF) for shift in (0, 8, 16, 24)) if code > 0 else ""
    return {
        "width": int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        "height": int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        "codec": codec.strip("\0 ") if codec.isprintable() else "",
    }


def to_rgb(picture: np.ndarray) -> Image:
    """Converts OpenCV's BGR, gray or BGRA to uint8 [h, w, 3] RGB."""
    if picture.ndim == 2:
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    code = cv2.COLOR_BGRA2RGB if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(picture, code), dtype=np.uint8)


def _opened(capture: cv2.VideoCapture) -> cv2.VideoCapture | None:
    if capture.isOpened():
        return capture
    capture.release()
    return None
