"""Fit random textures to the image: stretched over it, or cut from an endlessly repeating one."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mgtta_cam.corruptions.setting import Setting


def enlarge(texture: NDArray[Any], setting: Setting) -> NDArray[Any]:
    """Stretch a texture on the grid [rows, columns, ...] smoothly over the image."""
    if texture.shape[:2] == setting.shape:
        return texture
    interpolation = cv2.INTER_LINEAR if setting.k >= 1 else cv2.INTER_AREA
    return cv2.resize(texture, setting.shape[::-1], interpolation=interpolation)


def enlarge_grains(texture: NDArray[Any], setting: Setting) -> NDArray[Any]:
    """Enlarge a texture on the grid [rows, columns, ...] over the image by repeating its values."""
    if texture.shape[:2] == setting.shape:
        return texture
    return cv2.resize(texture, setting.shape[::-1], interpolation=cv2.INTER_NEAREST)


def window(field: NDArray[Any], top: int, left: int, shape: tuple[int, int]) -> NDArray[Any]:
    """A contiguous window of `shape` of a field that repeats endlessly downward and to the right."""
    rows, columns = shape
    strip = field.take(np.arange(top, top + rows), axis=0, mode="wrap")
    return strip.take(np.arange(left, left + columns), axis=1, mode="wrap")
