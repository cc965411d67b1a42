"""Gaussian smoothing, and the truncation to bytes that ends every corruption."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.corruptions.compiled import compiled
from app.types import Image


def gaussian(
    field: NDArray[Any], sigma: float, truncate_at: float = 4.0, border: int = cv2.BORDER_REPLICATE
) -> NDArray[Any]:
    """Gaussian blur of [h, w] or [h, w, c] as float32, cut off at `truncate_at` sigma, as scikit-image does it."""
    side = 2 * int(truncate_at * sigma + 0.5) + 1
    return cv2.GaussianBlur(np.asarray(field, np.float32), (side, side), sigmaX=sigma, sigmaY=sigma, borderType=border)


def truncate(levels: NDArray[Any]) -> Image:
    """Float levels to bytes: clipped to 0..255 and cut down to whole numbers, never rounded, as the reference does."""
    out = np.empty(levels.shape, np.uint8)
    _truncate(levels.reshape(-1), out.reshape(-1))
    return out


@compiled
def _truncate(levels: NDArray[np.float32], out: Image) -> None:
    for i in range(levels.size):
        out[i] = np.uint8(np.int32(min(max(levels[i], np.float32(0)), np.float32(255))))
