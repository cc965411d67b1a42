"""Snow: streaks of flakes over a bleached picture."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mgtta.compiled import compiled
from mgtta_cam.corruptions.draws import normal_field
from mgtta_cam.corruptions.motion import drag, path
from mgtta_cam.corruptions.setting import Setting
from mgtta_cam.corruptions.textures import enlarge, window
from mgtta_cam.corruptions.zoom import magnify, magnify_torus, torus_cells
from mgtta_cam.types import Image

SNOW = (  # mean, sd, zoom, threshold, radius, sigma, share of the picture
    (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
    (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
    (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
    (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
    (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
)
FALL_PER_FRAME = 4
"""Grid pixels between two frames of a stream. ImageNet-C, which has no video, has no such number."""


class Snow(NamedTuple):
    """Levels 0..510 to add, float32 [rows, columns], and the angle of the streaks in degrees."""

    layer: NDArray[np.float32]
    angle: float


def draw_snow(rng: np.random.RandomState, setting: Setting) -> Snow:
    """Draw thresholded noise, enlarged and dragged, plus its copy rotated by 180 degrees."""
    mean, sd, zoom, threshold, radius, sigma, _ = setting.pick(SNOW)
    if setting.seamless:
        cells = normal_field(rng, torus_cells(setting.grid, zoom), mean, sd, setting)
        flakes, border = magnify_torus(cells, setting.grid), cv2.BORDER_WRAP
    else:
        flakes, border = magnify(normal_field(rng, setting.grid, mean, sd, setting), zoom), cv2.BORDER_REPLICATE
    angle = rng.uniform(-135, -45)
    flakes[flakes < threshold] = 0
    levels = (np.clip(flakes, 0, 1) * 255).astype(np.uint8)
    streaks = drag(levels, path(2 * radius + 1, sigma, angle), border).astype(np.float32)
    return Snow(streaks + streaks[::-1, ::-1], angle)


def drift_snow(snow: Snow, index: int) -> Snow:
    """The layer after falling along its streaks until frame `index`."""
    rows, columns = snow.layer.shape
    way = index * FALL_PER_FRAME
    down, right = (-round(way * f(math.radians(snow.angle))) for f in (math.sin, math.cos))
    return snow._replace(layer=window(snow.layer, -down % rows, -right % columns, (rows, columns)))


def render_snow(image: Image, snow: Snow, setting: Setting) -> Image:
    """Mix the picture with max(x, 1.5 gray + 0.5), and add the flakes."""
    out = np.empty_like(image)
    _snow(image, enlarge(snow.layer, setting), np.float32(setting.pick(SNOW)[-1]), out)
    return out


@compiled
def _snow(image: Image, layer: NDArray[np.float32], share: np.float32, out: Image) -> None:
    height, width, _ = image.shape
    for y in range(height):
        for x in range(width):
            red, green, blue = image[y, x, 0], image[y, x, 1], image[y, x, 2]
            gray = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
            bleached = np.float32(1.5) * gray + np.float32(127.5)
            for c in range(3):
                value = np.float32(image[y, x, c])
                value = share * value + (np.float32(1) - share) * max(value, bleached) + layer[y, x]
                out[y, x, c] = np.uint8(np.int32(min(value, np.float32(255))))
