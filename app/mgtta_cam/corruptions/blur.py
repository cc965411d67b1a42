"""The five blurs of ImageNet-C: defocus, glass, motion, zoom and Gaussian."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mgtta.compiled import compiled
from mgtta_cam.corruptions.draws import integer_field
from mgtta_cam.corruptions.motion import drag, path
from mgtta_cam.corruptions.setting import Setting
from mgtta_cam.corruptions.smooth import gaussian, gaussian_bytes, truncate
from mgtta_cam.corruptions.textures import enlarge_grains
from mgtta_cam.corruptions.zoom import magnify_mean
from mgtta_cam.types import Image

GAUSSIAN_SIGMA = (1, 2, 3, 4, 6)
DEFOCUS_RADIUS_SIGMA = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))
GLASS_SIGMA_REACH_ROUNDS = ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2))
MOTION_RADIUS_SIGMA = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))
ZOOM_STOP_STEP = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))
NO_MAP = np.empty((0, 0), np.uint16)


def render_gaussian(image: Image, _: None, setting: Setting) -> Image:
    """Gaussian blur; edges are repeated."""
    return smooth(image, setting.pick(GAUSSIAN_SIGMA), setting)


def smooth(image: Image, sigma: float, setting: Setting) -> Image:
    """Gaussian blur with `sigma` in pixels of a 224 x 224 picture."""
    if setting.k == 1:
        return gaussian_bytes(image, sigma, exact=not setting.fast)
    sigma *= setting.k
    factor = max(min(int(sigma / 1.6), 4), 1)
    if factor > 1:  # subtract the blur of downscaling (box) and upscaling (triangle)
        sigma = math.sqrt(sigma**2 - (factor**2 - 1) / 12 - factor**2 / 6) / factor
    return at_lower_resolution(image, factor, lambda small: np.asarray(gaussian(small, sigma), np.uint8))


def render_defocus(image: Image, _: None, setting: Setting) -> Image:
    """Convolution with a disc; edges are mirrored."""
    radius, sigma = setting.pick(DEFOCUS_RADIUS_SIGMA)
    if setting.k == 1:
        return _convolve(image, disc(radius, sigma), exact=not setting.fast)
    radius *= setting.k
    factor = max(min(int(radius / 4), 3), 1)
    return at_lower_resolution(image, factor, lambda small: _convolve(small, disc(radius / factor, sigma), exact=False))


def _convolve(image: Image, kernel: NDArray[np.float32], *, exact: bool) -> Image:
    blurred = cv2.filter2D(image.astype(np.float32), -1, kernel, borderType=cv2.BORDER_REFLECT_101)
    return truncate(blurred, flat_after(kernel) if exact else None)


def at_lower_resolution(image: Image, factor: int, blur: Callable[[Image], Image]) -> Image:
    """Apply `blur` to the image downscaled by `factor`, and upscale it: for blurs that leave no finer detail."""
    if factor < 2:
        return blur(image)
    height, width = image.shape[:2]
    small = cv2.resize(image, (-(-width // factor), -(-height // factor)), interpolation=cv2.INTER_AREA)
    large = cv2.resize(blur(np.asarray(small, np.uint8)), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.uint8)


@lru_cache(maxsize=8)
def disc(radius: float, sigma: float) -> NDArray[np.float32]:
    """A softened disc, as in the reference: from radius 8, the soft rim is mirrored at the kernel's edge.

    The kernel therefore sums to 1.013 at radius 8 and 1.011 at radius 10, which brightens the picture; kept as
    published.
    """
    reach, width = (8, 3) if radius <= 8 else (int(radius), 5)
    axis = np.arange(-reach, reach + 1)
    kernel = (axis[:, None] ** 2 + axis[None, :] ** 2 <= radius**2).astype(np.float32)
    return cv2.GaussianBlur(kernel / kernel.sum(), (width, width), sigmaX=sigma)


def flat_after(kernel: NDArray[np.float32]) -> NDArray[np.uint8] | None:
    """[256] results of the float64 reference for flat areas; None if the kernel's sum moves them off whole levels."""
    total = kernel.sum(dtype=np.float64)
    if abs(total - 1) > 1e-5:
        return None
    return (np.clip(np.arange(256) / 255 * total, 0, 1) * 255).astype(np.uint8)


def draw_glass(rng: np.random.RandomState, setting: Setting) -> NDArray[Any]:
    """Draw which pixel of the blurred picture each pixel shows.

    Returns:
        A flat index, uint32 [h, w]; in display mode x and y, int16 [h, w, 2].
    """
    _, reach, rounds = setting.pick(GLASS_SIGMA_REACH_ROUNDS)
    rows, columns = setting.grid
    shape = (rounds * max(rows - 2 * reach, 0) * max(columns - 2 * reach, 0), 2)
    offsets = integer_field(rng, shape, -reach, reach, setting)
    shown = np.arange(rows * columns, dtype=np.uint32).reshape(rows, columns)
    _shuffle(shown, offsets, reach, rounds)
    return shown if setting.k == 1 else _enlarge_moves(shown, setting)


def render_glass(image: Image, shown: NDArray[Any], setting: Setting) -> Image:
    """Blur, move pixels, blur again."""
    sigma = setting.pick(GLASS_SIGMA_REACH_ROUNDS)[0]
    blurred = smooth(image, sigma, setting)
    moved = np.empty_like(blurred)
    if shown.ndim == 2:
        _gather(blurred.reshape(-1, 3), shown.reshape(-1), moved.reshape(-1, 3))
    else:
        cv2.remap(blurred, shown, NO_MAP, interpolation=cv2.INTER_NEAREST, dst=moved, borderMode=cv2.BORDER_REPLICATE)
    return smooth(moved, sigma, setting)


def _enlarge_moves(shown: NDArray[np.uint32], setting: Setting) -> NDArray[np.int16]:
    """Scale the grid's moves by k in length and area."""
    rows, columns = shown.shape
    y, x = np.divmod(shown.astype(np.int32), columns)
    moves = np.stack([x - np.arange(columns), y - np.arange(rows)[:, None]], axis=-1) * setting.k
    large = enlarge_grains(np.round(moves).astype(np.int16), setting)
    return large + np.stack(np.meshgrid(*map(np.arange, setting.shape[::-1])), axis=-1).astype(np.int16)


def draw_motion(rng: np.random.RandomState, _: Setting) -> float:
    """Draw the angle of the motion, in degrees from -45 to 45."""
    return rng.uniform(-45, 45)


def render_motion(image: Image, angle: float, setting: Setting) -> Image:
    """Drag the picture to one side along `angle`, with half-Gaussian weights."""
    radius, sigma = setting.pick(MOTION_RADIUS_SIGMA)
    stride = max(round(setting.k), 1)
    if stride > 1:  # pre-smear by one stride's length, so that the stride misses no detail
        image = drag(image, path(stride, math.inf, angle))
    steps = round(2 * radius * setting.k / stride) + 1
    return drag(image, path(steps, sigma * setting.k, angle, stride))


def render_zoom(image: Image, _: None, setting: Setting) -> Image:
    """Average the picture over a series of magnifications that starts at 1, plus the picture itself."""
    stop, step = setting.pick(ZOOM_STOP_STEP)
    return magnify_mean(image, tuple(np.arange(1, stop, step).tolist()))


@compiled
def _shuffle(shown: NDArray[np.uint32], offsets: NDArray[np.int8], reach: int, rounds: int) -> None:
    """Shuffle in place by copying, not swapping: the reference's swap works on views and writes one side only."""
    rows, columns = shown.shape
    i = 0
    for _ in range(rounds):
        for y in range(rows - reach, reach, -1):
            for x in range(columns - reach, reach, -1):
                shown[y, x] = shown[y + offsets[i, 1], x + offsets[i, 0]]
                i += 1


@compiled
def _gather(pixels: Image, shown: NDArray[np.uint32], out: Image) -> None:
    for i in range(shown.size):
        for c in range(3):
            out[i, c] = pixels[shown[i], c]
