"""Brightness and saturation changed as if through HSV and back, in closed form: the hue never has to be known."""

from __future__ import annotations

import numpy as np

from app.corruptions.compiled import compiled
from app.types import Image


def brighten(image: Image, amount: float) -> Image:
    """V becomes min(V + amount, 1): each channel is multiplied by V' / V; black becomes gray."""
    out = np.empty_like(image)
    _brighten(image.reshape(-1, 3), amount * 255, out.reshape(-1, 3))
    return out


def saturate(image: Image, factor: float, offset: float) -> Image:
    """S becomes clip(factor S + offset); gray, which has no hue, is taken as red."""
    out = np.empty_like(image)
    _saturate(image.reshape(-1, 3), factor, offset, out.reshape(-1, 3))
    return out


@compiled
def _brighten(image: Image, amount: float, out: Image) -> None:
    for i in range(image.shape[0]):
        value = max(image[i, 0], image[i, 1], image[i, 2])
        brighter = min(value + amount, 255.0)
        if value == 0:
            out[i] = np.uint8(brighter)
            continue
        gain = brighter / value
        for c in range(3):
            out[i, c] = np.uint8(np.int32(image[i, c] * gain + 1e-9))


@compiled
def _saturate(image: Image, factor: float, offset: float, out: Image) -> None:
    for i in range(image.shape[0]):
        value = max(image[i, 0], image[i, 1], image[i, 2])
        spread = value - min(image[i, 0], image[i, 1], image[i, 2])
        if spread == 0:
            out[i, 0] = value
            rest = np.uint8(value * (1 - min(max(offset, 0.0), 1.0)))
            out[i, 1] = rest
            out[i, 2] = rest
            continue
        saturation = spread / value
        gain = min(max(factor * saturation + offset, 0.0), 1.0) / saturation
        for c in range(3):
            out[i, c] = np.uint8(np.int32(value - (value - image[i, c]) * gain + 1e-9))
