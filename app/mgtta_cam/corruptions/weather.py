"""Frost, fog and brightness."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mgtta.compiled import compiled
from mgtta_cam.corruptions.frost import frost_pictures
from mgtta_cam.corruptions.hsv import change_hsv
from mgtta_cam.corruptions.plasma import plasma
from mgtta_cam.corruptions.setting import Setting
from mgtta_cam.corruptions.textures import enlarge, window
from mgtta_cam.types import Image

FROST_PICTURE_ICE = ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))
FOG_AMOUNT_DECAY = ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4))
BRIGHTNESS = (0.1, 0.2, 0.3, 0.4, 0.5)


def draw_frost(rng: np.random.RandomState, setting: Setting) -> Image:
    """Draw a random window, uint8 [h, w, 3] RGB, of a random picture of ice, unscaled if it covers the grid."""
    pictures = frost_pictures(setting.frost_dir)
    picture = pictures[rng.randint(len(pictures))]
    (rows, columns), (height, width) = setting.grid, picture.shape[:2]
    cover = max(1.0, (rows + 1) / height, (columns + 1) / width)
    high, wide = min(math.ceil(rows / cover), height - 1), min(math.ceil(columns / cover), width - 1)
    top, left = rng.randint(0, height - high), rng.randint(0, width - wide)
    ice = picture[top : top + high, left : left + wide]
    if cover > 1:
        ice = np.asarray(cv2.resize(ice, (columns, rows), interpolation=cv2.INTER_CUBIC), np.uint8)
    return np.ascontiguousarray(enlarge(ice, setting))


def render_frost(image: Image, ice: Image, setting: Setting) -> Image:
    """clip(a x + b ice)."""
    out = np.empty_like(image)
    share, ice_share = setting.pick(FROST_PICTURE_ICE)
    _frost(image.reshape(-1), ice.reshape(-1), float(share), float(ice_share), out.reshape(-1))
    return out


class Fog(NamedTuple):
    """A fog map on a torus, the part of it over the image, and the fog's brightness."""

    field: NDArray[np.float32]  # [side, side], 0..1
    top: int = 0  # grid pixels
    left: int = 0  # grid pixels
    white: float | None = None  # 0..1; None takes the image's own maximum


def draw_fog(rng: np.random.RandomState, setting: Setting) -> Fog:
    """Draw a plasma map whose side is a power of two that covers the grid, from 256 to 2048; beyond, it repeats."""
    side = min(max(1 << (max(setting.grid) - 1).bit_length(), 256), 2048)
    return Fog(plasma(side, setting.pick(FOG_AMOUNT_DECAY)[1], rng, setting).astype(np.float32))


def drift_fog(fog: Fog, index: int) -> Fog:
    """The fog at frame `index`; its brightness is fixed, so it does not flicker with the picture's maximum."""
    side = fog.field.shape[0]
    return fog._replace(top=index // 3 % side, left=index % side, white=1.0)


def render_fog(image: Image, fog: Fog, setting: Setting) -> Image:
    """clip((x + c P) m / (m + c)), where m is the image's brightest value."""
    white = float(image.max()) / 255 if fog.white is None else fog.white
    amount = setting.pick(FOG_AMOUNT_DECAY)[0]
    field = enlarge(window(fog.field, fog.top, fog.left, setting.grid), setting)
    out = np.empty_like(image)
    _fog(image, field, np.float32(amount * 255), np.float32(white / (white + amount)), out)
    return out


def render_brightness(image: Image, _: None, setting: Setting) -> Image:
    """Add c to V in HSV."""
    return change_hsv(image, value_add=setting.pick(BRIGHTNESS))


@compiled
def _frost(image: Image, ice: Image, share: float, ice_share: float, out: Image) -> None:
    for i in range(image.size):
        out[i] = np.uint8(np.int32(min(share * image[i] + ice_share * ice[i], 255.0)))


@compiled
def _fog(image: Image, field: NDArray[np.float32], amount: np.float32, gain: np.float32, out: Image) -> None:
    height, width, _ = image.shape
    for y in range(height):
        for x in range(width):
            mist = amount * field[y, x]
            for c in range(3):
                out[y, x, c] = np.uint8(np.int32(min((image[y, x, c] + mist) * gain, np.float32(255))))
