"""Spatter: drops of water or mud on the lens."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mgtta.compiled import compiled
from mgtta_cam.corruptions.draws import normal_field
from mgtta_cam.corruptions.setting import Setting
from mgtta_cam.corruptions.smooth import gaussian
from mgtta_cam.corruptions.textures import enlarge
from mgtta_cam.types import Image

SPATTER = (  # mean, sd, sigma, threshold, amount (water) or second sigma (mud), mud
    (0.65, 0.3, 4, 0.69, 0.6, False),
    (0.65, 0.3, 3, 0.68, 0.6, False),
    (0.65, 0.3, 2, 0.68, 0.5, False),
    (0.65, 0.3, 1, 0.65, 1.5, True),
    (0.67, 0.4, 1, 0.65, 1.5, True),
)
WATER_COLOR = (175.0, 238.0, 238.0)
MUD_COLOR = (63.0, 42.0, 20.0)
EMBOSS = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
LONGEST_DISTANCE = 20


def draw_spatter(rng: np.random.RandomState, setting: Setting) -> NDArray[np.float32]:
    """Draw the liquid's coverage of each pixel, [h, w]: 0 .. amount (water) or 0..1 (mud)."""
    mean, sd, sigma, threshold, amount, mud = setting.pick(SPATTER)
    noise = normal_field(rng, setting.grid, mean, sd, setting)
    liquid = gaussian(noise.astype(np.float32), sigma)
    if mud:
        mask = gaussian((liquid > threshold).astype(np.float32), amount)
        mask[mask < 0.8] = 0
        return enlarge(mask, setting)
    liquid[liquid < threshold] = 0
    drops = (liquid * 255).astype(np.uint8)
    mask = drops * _shine(drops)
    return enlarge(mask * np.float32(amount / max(mask.max(), 1e-9)), setting)


def _shine(drops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The highlights of the drops: distance to their edges, embossed."""
    distance = cv2.distanceTransform(255 - cv2.Canny(drops, 50, 150), cv2.DIST_L2, 5)
    distance = np.minimum(distance, LONGEST_DISTANCE)
    levels = cv2.equalizeHist(cv2.blur(distance, (3, 3)).astype(np.uint8))
    return cv2.blur(cv2.filter2D(levels, cv2.CV_8U, EMBOSS), (3, 3)).astype(np.float32)


def render_spatter(image: Image, mask: NDArray[np.float32], setting: Setting) -> Image:
    """Water adds its color; mud replaces the picture."""
    mud = setting.pick(SPATTER)[-1]
    out = np.empty_like(image)
    _splash(image, mask, MUD_COLOR if mud else WATER_COLOR, np.float32(1 if mud else 0), out)
    return out


@compiled
def _splash(
    image: Image, mask: NDArray[np.float32], color: tuple[float, float, float], hidden: np.float32, out: Image
) -> None:
    height, width, _ = image.shape
    for y in range(height):
        for x in range(width):
            amount = mask[y, x]
            for c in range(3):
                value = image[y, x, c] * (np.float32(1) - hidden * amount) + amount * np.float32(color[c])
                out[y, x, c] = np.uint8(np.int32(min(value, np.float32(255))))
