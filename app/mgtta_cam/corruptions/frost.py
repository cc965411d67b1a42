"""Pictures of ice for the frost corruption: the benchmark's own from a folder, or generated ones."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from mgtta_cam.corruptions.ice import LOOKS, window_ice
from mgtta_cam.types import Image

ORIGINALS = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg")
"""The files that the reference draws from, in its order; it never draws its sixth."""


@cache
def frost_pictures(folder: Path | None = None) -> tuple[Image, ...]:
    """Five uint8 RGB pictures: ImageNet-C's files from `folder`, or generated ones if `folder` is None.

    Raises:
        ValueError: if a file is missing or is not a picture.
    """
    if folder is None:
        return tuple(window_ice(kind) for kind in range(len(LOOKS)))
    return tuple(_read(folder / name) for name in ORIGINALS)


def _read(path: Path) -> Image:
    content = np.fromfile(path, np.uint8) if os.path.isfile(path) else np.empty(0, np.uint8)
    picture = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    if picture is None:
        raise ValueError(
            f"expected a readable frost picture of ImageNet-C at {path}; the folder needs {', '.join(ORIGINALS)} from "
            "hendrycks/robustness; omit the option to use generated pictures"
        )
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)
