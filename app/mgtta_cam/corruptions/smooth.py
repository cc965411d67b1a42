"""Gaussian smoothing, and the truncation to bytes at the end of every corruption."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mgtta.compiled import compiled
from mgtta_cam.types import Image

CUT_AT_SIGMA = 4.0
"""Where scikit-image truncates a Gaussian."""

FLOAT_ERROR = {"float32": 5e-5, "float64": 1e-9}
"""Largest rounding error of a blur's sums at a level 0..255."""

WIDEST_EXACT_SIGMA = 4
"""Up to this sigma, pictures have areas so nearly flat that float32 puts them on the wrong side of a level."""


def gaussian(
    field: NDArray[Any], sigma: float, cut_at: float = CUT_AT_SIGMA, border: int = cv2.BORDER_REPLICATE
) -> NDArray[Any]:
    """Gaussian blur of [h, w] or [h, w, c], truncated at `cut_at` sigma, as in scikit-image."""
    side = 2 * int(cut_at * sigma + 0.5) + 1
    return cv2.GaussianBlur(field, (side, side), sigmaX=sigma, sigmaY=sigma, borderType=border)


def gaussian_weights(sigma: float, cut_at: float = CUT_AT_SIGMA) -> NDArray[np.float64]:
    """[2 r + 1] normalized weights exp(-i^2 / 2 sigma^2), where r = cut_at sigma, rounded."""
    offsets = np.arange(-int(cut_at * sigma + 0.5), int(cut_at * sigma + 0.5) + 1)
    weights = np.exp(-0.5 / (sigma * sigma) * offsets**2)
    return weights / weights.sum()


def gaussian_bytes(image: Image, sigma: float, *, exact: bool = True) -> Image:
    """Gaussian blur of an image, truncated to bytes; `exact` reproduces the float64 reference on flat areas too."""
    if not exact:
        return truncate(gaussian(image.astype(np.float32), sigma))
    dtype = np.float64 if sigma <= WIDEST_EXACT_SIGMA else np.float32
    return truncate(gaussian(image.astype(dtype), sigma), flat_after_gaussian(sigma))


@lru_cache(maxsize=32)
def flat_after_gaussian(sigma: float) -> NDArray[np.uint8]:
    """[256] the result for a flat area of each level, with the reference's order of float64 operations.

    Its sums are off in the last digit, so that truncation lowers some levels by one.
    """
    weights = gaussian_weights(sigma)
    center = weights.size // 2
    level = np.arange(256) / 255.0
    for _axis in range(2):
        total = level * weights[center]
        for weight in weights[:center]:
            total += (level + level) * weight
        level = total
    return (np.clip(level, 0, 1) * 255).astype(np.uint8)


def truncate(levels: NDArray[Any], flat: NDArray[np.uint8] | None = None) -> Image:
    """Convert float levels to bytes: clipped to 0..255 and truncated, never rounded, as in the reference.

    Where rounding errors hide whether a value lies just below or on a level, `flat` [256] gives the result.
    """
    out = np.empty(levels.shape, np.uint8)
    if flat is None:
        _truncate(levels.reshape(-1), out.reshape(-1))
    else:
        error = levels.dtype.type(FLOAT_ERROR[levels.dtype.name])
        _truncate_flat(levels.reshape(-1), error, flat, out.reshape(-1))
    return out


@compiled
def _truncate(levels: NDArray[Any], out: Image) -> None:
    for i in range(levels.size):
        out[i] = np.uint8(np.int32(min(max(levels[i], levels.dtype.type(0)), levels.dtype.type(255))))


@compiled
def _truncate_flat(levels: NDArray[Any], error: Any, flat: NDArray[np.uint8], out: Image) -> None:
    for i in range(levels.size):
        level = min(max(levels[i], levels.dtype.type(0)), levels.dtype.type(255))
        nearest = np.int32(level + levels.dtype.type(0.5))
        near = abs(level - levels.dtype.type(nearest)) < error
        out[i] = flat[nearest] if near else np.uint8(np.int32(level))
