"""Change a picture in HSV, with the same order of float64 operations as scikit-image's conversions.

Whole levels, which truncation may round down by one, then come out as they do there.
"""

from __future__ import annotations

import numpy as np

from mgtta.compiled import compiled
from mgtta_cam.types import Image


def change_hsv(image: Image, *, saturation_factor: float = 1, saturation_add: float = 0, value_add: float = 0) -> Image:
    """Set S to clip(factor S + add) and V to clip(V + add), both in 0..1. Gray counts as red of saturation 0."""
    out = np.empty_like(image)
    _change(
        image.reshape(-1, 3),
        float(saturation_factor),
        float(saturation_add),
        float(value_add),
        out.reshape(-1, 3),
    )
    return out


@compiled
def _change(image: Image, factor: float, saturation_add: float, value_add: float, out: Image) -> None:
    for i in range(image.shape[0]):
        red, green, blue = image[i, 0] / 255.0, image[i, 1] / 255.0, image[i, 2] / 255.0
        value = max(red, green, blue)
        spread = value - min(red, green, blue)
        hue = 0.0  # in turns, 0..1
        saturation = 0.0
        if spread > 0:
            saturation = spread / value
            if blue == value:
                hue = (4.0 + (red - green) / spread) / 6.0
            elif green == value:
                hue = (2.0 + (blue - red) / spread) / 6.0
            else:
                hue = (green - blue) / spread / 6.0
                if hue < 0:
                    hue += 1.0

        saturation = min(max(saturation * factor + saturation_add, 0.0), 1.0)
        value = min(max(value + value_add, 0.0), 1.0)

        sector = int(hue * 6.0)
        part = hue * 6.0 - sector
        low = value * (1.0 - saturation)
        falling = value * (1.0 - part * saturation)
        rising = value * (1.0 - (1.0 - part) * saturation)
        if sector == 0:
            red, green, blue = value, rising, low
        elif sector == 1:
            red, green, blue = falling, value, low
        elif sector == 2:
            red, green, blue = low, value, rising
        elif sector == 3:
            red, green, blue = low, falling, value
        elif sector == 4:
            red, green, blue = rising, low, value
        else:
            red, green, blue = value, low, falling
        out[i, 0] = np.uint8(np.int32(red * 255.0))
        out[i, 1] = np.uint8(np.int32(green * 255.0))
        out[i, 2] = np.uint8(np.int32(blue * 255.0))
