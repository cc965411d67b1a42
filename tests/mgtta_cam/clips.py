"""Tiny clips, pictures and frames whose pixels tell which frame they are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from mgtta_cam.types import Frame, Image

SIZE = (48, 64)  # rows, columns
FPS = 20.0


def picture(number: int) -> Image:
    """RGB: red tells the number, green its rest, blue is 200 in the mean; so swapped channels are seen."""
    image = np.empty((*SIZE, 3), np.uint8)
    image[:] = (number // 16 * 16, number % 16 * 16, 0)
    image[..., 2] = np.linspace(170, 230, SIZE[1])  # something is to be seen, or nothing could be learned from it
    return image


def number(image: Image) -> int:
    """The inverse of `picture`, also after a lossy codec."""
    red, green, _ = (round(float(v) / 16) for v in image.reshape(-1, 3).mean(axis=0))
    return red * 16 + green


def write_clip(path: Path, frames: int, codec: str = "FFV1", fps: float = FPS) -> Path:
    """A clip of that many numbered frames."""
    fourcc = cv2.VideoWriter.fourcc(codec[0], codec[1], codec[2], codec[3])
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, fps, SIZE[::-1])
    assert writer.isOpened()
    for i in range(frames):
        writer.write(cv2.cvtColor(picture(i), cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def write_picture(path: Path, number: int) -> Path:
    """A numbered picture file; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.cvtColor(picture(number), cv2.COLOR_RGB2BGR))
    return path


def frames(count: int, fps: float = FPS) -> list[Frame]:
    """Numbered frames as a source gives them."""
    return [Frame(i, i / fps, picture(i)) for i in range(count)]


def numbers(frames: Iterable[Frame]) -> list[int]:
    """What the pictures of some frames say."""
    return [number(frame.image) for frame in frames]
