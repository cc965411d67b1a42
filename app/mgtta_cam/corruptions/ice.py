"""Generate frost on a window: crystals that branch like ferns, lit from one side, on a mottled sheet of ice.

Each channel has the mean and spread of ImageNet-C's own pictures, so that the frost is about equally strong.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mgtta_cam.corruptions.plasma import plasma
from mgtta_cam.corruptions.setting import Setting
from mgtta_cam.types import Image

HEIGHT, WIDTH = 480, 640
SUBPIXEL_BITS = 4
SLANTING_LIGHT = np.array([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]], np.float32)


class Look(NamedTuple):
    """One kind of ice."""

    crystals: int
    length: tuple[float, float]  # range of the stem length, pixels
    branch: float  # length of the longest branch, as a share of the stem
    spacing: float  # between branches, pixels
    rays: int  # crystals per root
    curl: float  # total turn of a stem, radians
    sheet: float  # weight of the mottled sheet, relative to the crystals' relief
    mean: tuple[float, float, float]  # RGB level
    sd: tuple[float, float, float]  # RGB level


LOOKS = (
    Look(700, (12, 80), 0.4, 3.0, 4, 0.5, 0.7, (112, 123, 135), (44, 43, 42)),
    Look(2600, (15, 80), 0.08, 5.0, 3, 0.08, 0.7, (201, 205, 214), (21, 22, 23)),
    Look(3000, (4, 26), 0.5, 2.5, 5, 0.2, 0.9, (138, 153, 165), (28, 28, 30)),
    Look(260, (30, 140), 0.3, 4.0, 2, 0.8, 2.0, (78, 149, 166), (27, 16, 15)),
)


def window_ice(kind: int) -> Image:
    """A uint8 [480, 640, 3] RGB picture of ice in the style of `LOOKS[kind]`; deterministic."""
    look = LOOKS[kind]
    rng = np.random.RandomState(kind)
    relief = crystals(look, rng)
    sheet = plasma(1024, 1.3, rng, Setting(HEIGHT, WIDTH, fast=True))[:HEIGHT, :WIDTH].astype(np.float32)
    light = cv2.filter2D(relief + look.sheet * cv2.GaussianBlur(sheet, (0, 0), 0.8), -1, SLANTING_LIGHT)
    levels = _standard(relief) + 0.8 * _standard(light) + look.sheet * _standard(sheet)
    levels = np.clip(_standard(levels), -2.5, 3)
    return np.clip(levels[..., None] * look.sd + look.mean, 0, 255).astype(np.uint8)


def crystals(look: Look, rng: np.random.RandomState) -> NDArray[np.float32]:
    """Thickness of the crystals, [480, 640], 0..1."""
    layers = []
    for _layer in range(2):
        canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
        for _spot in range(look.crystals // look.rays // 2):
            root = rng.uniform((0, 0), (WIDTH, HEIGHT))
            for _ray in range(look.rays):
                _draw_crystal(canvas, root, look, rng)
        layers.append(canvas.astype(np.float32) / 255)
    far, near = layers
    return cv2.GaussianBlur(np.maximum(cv2.GaussianBlur(far, (0, 0), 1.5), near), (0, 0), 0.7)


def _draw_crystal(canvas: NDArray[np.uint8], root: NDArray[np.float64], look: Look, rng: np.random.RandomState) -> None:
    length = rng.uniform(*look.length)
    steps = np.arange(0, length, look.spacing)
    heading = rng.uniform(0, 2 * np.pi) + rng.normal(0, look.curl) * steps / length
    stem = root + np.cumsum(look.spacing * np.stack([np.cos(heading), np.sin(heading)], axis=1), axis=0)
    reach = look.branch * (length - steps) * rng.uniform(0.6, 1.0, steps.size)
    angle = rng.uniform(0.7, 1.1)
    sides = [
        np.stack([stem, stem + reach[:, None] * np.stack([np.cos(heading + a), np.sin(heading + a)], axis=1)], axis=1)
        for a in (-angle, angle)
    ]
    brightness = int(rng.uniform(90, 255))
    to_fixed = 1 << SUBPIXEL_BITS
    lines = [np.round(line * to_fixed).astype(np.int32) for line in (stem[None], *sides)]
    for group, level in zip(lines, (brightness, brightness * 0.8, brightness * 0.6), strict=True):
        cv2.polylines(canvas, list(group), False, level, 1, cv2.LINE_AA, SUBPIXEL_BITS)


def _standard(field: NDArray[Any]) -> NDArray[Any]:
    return (field - field.mean()) / field.std()
