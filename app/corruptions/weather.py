"""Snow, frost, fog and brightness of ImageNet-C, and the spatter of its validation set."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from app.corruptions.compiled import compiled
from app.corruptions.draws import normal_field
from app.corruptions.frost import frost_pictures
from app.corruptions.hsv import change_hsv
from app.corruptions.motion import drag, path
from app.corruptions.plasma import plasma
from app.corruptions.setting import Setting
from app.corruptions.zoom import magnify
from app.types import Image

SNOW = (  # mean, sd, zoom, threshold, radius, sigma, share of the picture
    (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
    (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
    (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
    (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
    (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
)
FROST_PICTURE_ICE = ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))
FOG_AMOUNT_DECAY = ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4))
BRIGHTNESS = (0.1, 0.2, 0.3, 0.4, 0.5)


def draw_snow(rng: np.random.RandomState, setting: Setting) -> NDArray[np.float32]:
    """[rows, columns], levels 0..510: streaks of flakes plus their point-mirrored copies."""
    mean, sd, zoom, threshold, radius, sigma, _ = setting.pick(SNOW)
    flakes = magnify(normal_field(rng, setting.grid, mean, sd, setting), zoom)
    angle = rng.uniform(-135, -45)
    flakes = np.where(flakes < threshold, 0, np.clip(flakes, 0, 1))
    streaks = drag((flakes * 255).astype(np.uint8), path(radius, sigma, angle)).astype(np.float32)
    return streaks + streaks[::-1, ::-1]


def render_snow(image: Image, layer: NDArray[np.float32], setting: Setting) -> Image:
    """The picture bleached toward white, with the flakes added."""
    out = np.empty_like(image)
    _snow(image, enlarge(layer, setting), np.float32(setting.pick(SNOW)[-1]), out)
    return out


def draw_frost(rng: np.random.RandomState, setting: Setting) -> Image:
    """Uint8 [h, w, 3] RGB: a random window of a random picture of ice."""
    pictures = frost_pictures(setting.frost_dir)
    picture = pictures[rng.randint(len(pictures))]
    height, width = setting.grid
    cover = max((height + 1) / picture.shape[0], (width + 1) / picture.shape[1])
    if cover > 1:
        size = math.ceil(picture.shape[1] * cover), math.ceil(picture.shape[0] * cover)
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC)
    top = rng.randint(0, picture.shape[0] - height)
    left = rng.randint(0, picture.shape[1] - width)
    return enlarge(picture[top : top + height, left : left + width], setting)


def render_frost(image: Image, ice: Image, setting: Setting) -> Image:
    """clip(a x + b ice)."""
    out = np.empty_like(image)
    share, ice_share = setting.pick(FROST_PICTURE_ICE)
    _frost(image.reshape(-1), np.ascontiguousarray(ice).reshape(-1), float(share), float(ice_share), out.reshape(-1))
    return out


class Fog(NamedTuple):
    """A fog map on a torus (float32 [side, side], 0..1) and the brightest level of the image, if it is fixed."""

    field: NDArray[np.float32]
    white: float | None = None


def draw_fog(rng: np.random.RandomState, setting: Setting) -> Fog:
    """A plasma map whose side is the power of two that covers the grid, at least 256."""
    side = max(256, 1 << (max(setting.grid) - 1).bit_length())
    return Fog(plasma(side, setting.pick(FOG_AMOUNT_DECAY)[1], rng, setting).astype(np.float32))


def render_fog(image: Image, fog: Fog, setting: Setting) -> Image:
    """clip((x + c P) m / (m + c)), m the image's brightest value."""
    rows, columns = setting.grid
    white = float(image.max()) / 255 if fog.white is None else fog.white
    amount = setting.pick(FOG_AMOUNT_DECAY)[0]
    out = np.empty_like(image)
    field = enlarge(np.ascontiguousarray(fog.field[:rows, :columns]), setting)
    _fog(image, field, np.float32(amount * 255), np.float32(white / (white + amount)), out)
    return out


def render_brightness(image: Image, drawn: None, setting: Setting) -> Image:  # noqa: ARG001
    """V of HSV plus c."""
    return change_hsv(image, value_add=setting.pick(BRIGHTNESS))


def enlarge(texture: NDArray, setting: Setting) -> NDArray:
    """A texture on the grid [rows, columns, ...] stretched smoothly over the image."""
    if texture.shape[:2] == setting.shape:
        return texture
    return cv2.resize(texture, setting.shape[::-1], interpolation=cv2.INTER_LINEAR)


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
