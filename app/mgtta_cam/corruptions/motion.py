"""Motion blur as ImageMagick 6 computes it: a half Gaussian laid along a line of whole pixels."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mgtta.compiled import compiled
from mgtta_cam.types import Image

Path = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]
"""Row offsets, column offsets and weights [n] of the pixels that are averaged."""


@lru_cache(maxsize=32)
def path(count: int, sigma: float, angle: float, stride: int = 1) -> Path:
    """A path of `count` steps of `stride` pixels along `angle` (degrees), with half-Gaussian weights.

    It is one-sided, so the picture shifts as it blurs. Offsets are rounded to whole pixels; equal ones are merged.
    """
    steps = stride * np.arange(count)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    weights /= weights.sum()
    rows = np.ceil(steps * math.sin(math.radians(angle)) - 0.5).astype(int)
    columns = np.ceil(steps * math.cos(math.radians(angle)) - 0.5).astype(int)
    merged: dict[tuple[int, int], float] = {}
    for row, column, weight in zip(rows.tolist(), columns.tolist(), weights.tolist(), strict=True):
        merged[row, column] = merged.get((row, column), 0.0) + weight
    offsets = np.array(list(merged), np.int32)
    return offsets[:, 0].copy(), offsets[:, 1].copy(), np.array(list(merged.values()), np.float32)


def drag(image: Image, along: Path, border: int = cv2.BORDER_REPLICATE) -> Image:
    """Average a uint8 image [h, w] or [h, w, 3] along a path; edges are repeated unless `border` says otherwise."""
    rows, columns, weights = along
    top, left = max(-int(rows.min()), 0), max(-int(columns.min()), 0)
    bottom, right = max(int(rows.max()), 0), max(int(columns.max()), 0)
    wide = np.asarray(cv2.copyMakeBorder(image, top, bottom, left, right, border), np.uint8)
    out = np.empty_like(image)
    channels = 1 if image.ndim == 2 else image.shape[2]
    _average(
        wide.reshape(wide.shape[0], -1),
        rows + top,
        (columns + left) * channels,
        weights,
        out.reshape(out.shape[0], -1),
    )
    return out


@compiled
def _average(
    wide: Image,
    rows: NDArray[np.int32],
    columns: NDArray[np.int32],
    weights: NDArray[np.float32],
    out: Image,
) -> None:
    height, width = out.shape
    total = np.empty(width, np.float32)
    for y in range(height):
        total[:] = 0
        for i in range(weights.size):
            source = wide[y + rows[i], columns[i] : columns[i] + width]
            weight = weights[i]
            for x in range(width):
                total[x] += weight * np.float32(source[x])
        for x in range(width):
            # ImageMagick rounds at 16 bits; the conversion back to 8 bits truncates.
            out[y, x] = np.uint8(np.int32(total[x] * np.float32(257) + np.float32(0.5)) // 257)
