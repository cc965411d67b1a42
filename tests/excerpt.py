"""The first frames of the embedded clip, with their labels: what documents and examples run on."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2

from mgtta_cam.config.demo import CLIP


def excerpt(path: Path, frames: int = 12) -> Path:
    """Writes them as MP4, and the labels beside it."""
    clip = cv2.VideoCapture(str(CLIP))
    size = round(clip.get(cv2.CAP_PROP_FRAME_WIDTH)), round(clip.get(cv2.CAP_PROP_FRAME_HEIGHT))
    fourcc = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, clip.get(cv2.CAP_PROP_FPS), size)
    assert writer.isOpened()
    for _ in range(frames):
        there, image = clip.read()
        assert there
        writer.write(image)
    writer.release()
    clip.release()
    shutil.copy(CLIP.with_suffix(".labels.csv"), path.with_suffix(".labels.csv"))
    return path
