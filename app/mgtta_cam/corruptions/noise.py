"""The four noises of ImageNet-C, with fresh values for each frame, pixel and channel.

In display mode a grain of noise is k pixels wide, so that the classifier, which sees the frame downscaled by k, sees
noise of the published strength.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mgtta.compiled import compiled
from mgtta_cam.corruptions.draws import WORDS, look_up, normal_field, normal_quantiles, random_words
from mgtta_cam.corruptions.setting import Setting
from mgtta_cam.corruptions.textures import enlarge_grains
from mgtta_cam.types import Image

GAUSSIAN_SD = (0.08, 0.12, 0.18, 0.26, 0.38)
SHOT_PHOTONS = (60, 25, 12, 5, 3)
IMPULSE_SHARE = (0.03, 0.06, 0.09, 0.17, 0.27)
SPECKLE_SD = (0.15, 0.2, 0.35, 0.45, 0.6)

POISSON_BITS = 12
"""Bits of the index into a column of Poisson quantiles: the table has 1 MiB, which still fits a core's cache."""


def draw_gaussian(rng: np.random.RandomState, setting: Setting) -> NDArray[np.int16]:
    """Draw int16 [h, w, 3]: floor(255 n), n from N(0, c); adding it to bytes equals the float formula, truncated."""
    sd = setting.pick(GAUSSIAN_SD)
    if setting.fast:
        return enlarge_grains(look_up(gaussian_levels(sd), random_words(rng, (*setting.grid, 3))), setting)
    noise = np.floor(255 * rng.normal(size=(*setting.grid, 3), scale=sd))
    return enlarge_grains(noise.astype(np.int16), setting)


@cache
def gaussian_levels(sd: float) -> NDArray[np.int16]:
    """[65536] floor(255 n) for each random word."""
    return np.floor(255 * sd * normal_quantiles().astype(np.float64)).astype(np.int16)


def render_gaussian(image: Image, noise: NDArray[np.int16], _: Setting) -> Image:
    """clip(x + n, 0, 1)."""
    return np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), np.uint8)


def draw_shot(rng: np.random.RandomState, setting: Setting) -> NDArray[np.uint16] | np.random.RandomState:
    """Draw uint16 [h, w, 3] words; with reference draws return `rng` itself, as its numbers depend on the pixels."""
    if setting.fast or setting.k != 1:
        return enlarge_grains(random_words(rng, (*setting.grid, 3)), setting)
    return rng


def render_shot(image: Image, drawn: NDArray[np.uint16] | np.random.RandomState, setting: Setting) -> Image:
    """clip(Poisson(x c) / c, 0, 1)."""
    photons = setting.pick(SHOT_PHOTONS)
    if isinstance(drawn, np.random.RandomState):
        counts = drawn.poisson(image / 255.0 * photons)
        return (np.clip(counts / float(photons), 0, 1) * 255).astype(np.uint8)
    out = np.empty_like(image)
    _count_photons(image.reshape(-1), drawn.reshape(-1), poisson_quantiles(photons), out.reshape(-1))
    return out


@cache
def poisson_quantiles(photons: int) -> NDArray[np.uint8]:
    """[256, 4096]: the resulting level for each pixel value and each of 4,096 equally likely random numbers."""
    mean = np.arange(256)[:, None] / 255.0 * photons
    count = np.arange(1, photons + 1)
    factors = np.exp(-mean) * np.cumprod(np.concatenate([np.ones((256, 1)), mean / count], axis=1), axis=1)
    cumulative = np.cumsum(factors, axis=1)  # P(Poisson <= 0 .. photons); the rest is clipped to white
    levels = (np.arange(photons + 1) / photons * 255).astype(np.uint8)
    chance = (np.arange(1 << POISSON_BITS) + 0.5) / (1 << POISSON_BITS)
    counts = np.stack([np.searchsorted(row[:-1], chance) for row in cumulative])
    return levels[counts]


def draw_impulse(rng: np.random.RandomState, setting: Setting) -> tuple[Image, Image]:
    """Draw two masks [h, w, 3]: 255 where a value is kept, and 255 where it becomes white."""
    share = setting.pick(IMPULSE_SHARE)
    shape = (*setting.grid, 3)
    if setting.fast:
        words = random_words(rng, shape)
        kept = words >= round(share * WORDS)
        white = words < round(share * WORDS / 2)
    else:
        kept = rng.random_sample(shape) >= share
        white = (rng.random_sample(shape) < 0.5) & ~kept
    return enlarge_grains(_mask(kept), setting), enlarge_grains(_mask(white), setting)


def render_impulse(image: Image, drawn: tuple[Image, Image], _: Setting) -> Image:
    """Salt and pepper, independently per channel: a share of the values becomes 0 or 255, half each."""
    kept, white = drawn
    return (image & kept) | white


def draw_speckle(rng: np.random.RandomState, setting: Setting) -> NDArray[np.floating]:
    """Draw [h, w, 3]: 1 + n, n from N(0, c)."""
    return enlarge_grains(normal_field(rng, (*setting.grid, 3), 0.0, setting.pick(SPECKLE_SD), setting), setting)


def render_speckle(image: Image, noise: NDArray[np.floating], _: Setting) -> Image:
    """clip(x + x n, 0, 1)."""
    out = np.empty_like(image)
    _speckle(image.reshape(-1), noise.reshape(-1), out.reshape(-1))
    return out


def _mask(chosen: NDArray[np.bool_]) -> Image:
    return np.negative(chosen.view(np.uint8))


@compiled
def _count_photons(image: Image, words: NDArray[np.uint16], table: NDArray[np.uint8], out: Image) -> None:
    for i in range(image.size):
        out[i] = table[image[i], words[i] >> (16 - POISSON_BITS)]


@compiled
def _speckle(image: Image, noise: NDArray[np.floating], out: Image) -> None:
    for i in range(image.size):
        x = image[i] / 255.0
        out[i] = int(min(max(x + x * noise[i], 0.0), 1.0) * 255.0)
