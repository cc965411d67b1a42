"""The overlay's canvas: its size, and placing pictures on it."""

from __future__ import annotations

import cv2
import numpy as np

from mgtta_cam.overlay.ink import PAPER, Box
from mgtta_cam.types import Image

MIN_SIDE = 480  # pixels: forty of the smallest ems
MAX_ENLARGED = 1920  # pixels: a thin strip is enlarged no further, and letterboxed instead


def canvas_size(height: int, width: int) -> tuple[int, int]:
    """Size (height, width) of the drawing for a frame of this size; both are even because video codecs require it.

    A frame with a side under 480 pixels is enlarged, and letterboxed if that is not enough. Any other frame keeps
    its size, rounded up to even.
    """
    scale = max(1.0, min(MIN_SIDE / min(height, width), MAX_ENLARGED / max(height, width)))
    high, wide = (max(MIN_SIDE, round(side * scale)) for side in (height, width))
    return high + high % 2, wide + wide % 2


def blank(height: int, width: int) -> Image:
    """An empty canvas, uint8 [height, width, 3]."""
    canvas = np.empty((height, width, 3), np.uint8)
    cv2.rectangle(canvas, (0, 0), (width, height), PAPER, cv2.FILLED)  # 30 times faster than numpy's broadcast
    return canvas


def place(image: Image, canvas: Image, box: Box) -> Box:
    """Center a picture in a box of the canvas, as large as fits, and return the box it occupies."""
    height, width = image.shape[:2]
    scale = min(box.w / width, box.h / height)
    w, h = (max(1, round(side * scale)) for side in (width, height))
    # A one-pixel gap would show as a hairline of background: stretch the picture by that pixel.
    w, h = box.w if box.w - w == 1 else w, box.h if box.h - h == 1 else h
    x, y = box.x + (box.w - w) // 2, box.y + (box.h - h) // 2
    there = canvas[y : y + h, x : x + w]
    if 0 <= w - width <= 1 and 0 <= h - height <= 1:  # unscaled: its pixels stay as they are
        there[:height, :width] = image
        there[height:, :width] = image[-1:]
        there[:, width:] = there[:, width - 1 : width]
    else:
        # Cubic for enlarging; linear is exact at one half, the usual case of the split view.
        how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR if scale >= 0.45 else cv2.INTER_AREA
        there[:] = cv2.resize(image, (w, h), interpolation=how)
    return Box(x, y, w, h)
