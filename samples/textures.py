"""Procedural pictures: materials, floors, walls and skies, drawn from a random generator.

Pictures are uint8 RGB, `[h, w, 3]`; colors are float RGB in 0..1.
"""

import colorsys

import cv2
import numpy as np
from numpy.typing import NDArray

Color = NDArray[np.float64]
Image = NDArray[np.uint8]
Rng = np.random.Generator

MATERIALS = ("plain", "plain", "plain", "stripes", "checker", "dots", "marble", "wood", "speckle")
SURFACES = ("plain", "stripes", "checker", "tiles", "marble", "wood", "wood", "speckle", "bricks")
SKIES = ("gradient", "gradient", "clouds", "clouds", "bokeh", "bokeh", "hills", "skyline")


def color(rng: Rng, saturation: tuple[float, float] = (0.05, 0.9), value: tuple[float, float] = (0.3, 1.0)) -> Color:
    """A random color of any hue."""
    return np.array(colorsys.hsv_to_rgb(rng.random(), rng.uniform(*saturation), rng.uniform(*value) ** 0.7))


def hex_color(code: str) -> Color:
    """The color of a code such as `#c8742a`."""
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def noise(rng: Rng, height: int, width: int, cells: int = 4, octaves: int = 4) -> NDArray[np.float32]:
    """Smooth noise in about 0..1, `[height, width]`: octaves of interpolated random grids."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        count = cells * 2**octave
        grid = rng.random((count + 1, count + 1)).astype(np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * 0.5**octave
    return total / (2 - 0.5 ** (octaves - 1))


def surface(rng: Rng, pattern: str, first: Color, second: Color, size: int = 128) -> Image:
    """A tile, `[size, size, 3]`, of one of MATERIALS or SURFACES that mixes two colors."""
    v, u = np.mgrid[0:size, 0:size].astype(np.float32) / size
    repeats = int(rng.integers(2, 6))
    share = rng.uniform(0.3, 0.7)
    if pattern == "stripes":
        mix = ((u if rng.random() < 0.5 else v) * repeats % 1 < share).astype(np.float32)
    elif pattern == "checker":
        mix = ((np.floor(u * 2 * repeats) + np.floor(v * 2 * repeats)) % 2).astype(np.float32)
    elif pattern == "dots":
        mix = ((u * repeats % 1 - 0.5) ** 2 + (v * repeats % 1 - 0.5) ** 2 < 0.3 * share**2).astype(np.float32)
    elif pattern == "tiles":
        mix = 1 - ((u * repeats % 1 < 0.06) | (v * repeats % 1 < 0.06)).astype(np.float32)
    elif pattern == "bricks":
        row = np.floor(v * 2 * repeats)
        mix = 1 - (((u * repeats + 0.5 * (row % 2)) % 1 < 0.07) | (v * 2 * repeats % 1 < 0.12)).astype(np.float32)
    elif pattern == "marble":
        mix = 0.5 + 0.5 * np.sin(6 * np.pi * (u + 1.5 * noise(rng, size, size, 3)))
    elif pattern == "wood":
        grain = noise(rng, size, size, 2, 2)
        mix = (v * repeats + 0.6 * grain + 0.15 * noise(rng, size, 4, 16, 1)[:, :1]) * 3 % 1
        second = 0.75 * first + 0.25 * second
    elif pattern == "speckle":
        mix = (noise(rng, size, size, 16, 2) > share).astype(np.float32)
    else:
        mix = np.zeros_like(u)
    mix = mix * (0.9 + 0.1 * noise(rng, size, size, 8, 2))
    return _mixed(first, second, mix)


def sky(rng: Rng, pattern: str, first: Color, second: Color, height: int = 192, width: int = 384) -> Image:
    """A backdrop, `[height, width, 3]`, of one of SKIES; the horizon lies in the middle row."""
    v = np.linspace(0, 1, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    if pattern == "clouds":
        fog = noise(rng, height, width, int(rng.integers(3, 8)), 5)
        return _mixed(first, second, np.clip((fog - 0.4) * rng.uniform(2, 5), 0, 1))
    picture = _mixed(first, second, v**1.5)
    if pattern == "bokeh":
        for _ in range(int(rng.integers(20, 60))):
            place = (int(rng.integers(width)), int(rng.integers(height)))
            spot = picture.copy()
            cv2.circle(spot, place, int(rng.integers(3, 22)), (255 * color(rng)).tolist(), -1, cv2.LINE_AA)
            picture = cv2.addWeighted(spot, (strength := rng.uniform(0.2, 0.8)), picture, 1 - strength, 0)
        return cv2.GaussianBlur(picture, (0, 0), rng.uniform(1.0, 4.0)).astype(np.uint8)
    if pattern in ("hills", "skyline"):
        for layer in range(3):
            shade = (255 * np.clip(second * (0.9 - 0.22 * layer) + rng.normal(0, 0.05, 3), 0, 1)).astype(np.uint8)
            if pattern == "hills":
                ridge = noise(rng, 1, width, 4 + 2 * layer, 3)[0] * 0.22
            else:
                ridge = np.repeat(rng.uniform(0, 0.22, width // 8), 8)
            top = (0.42 + 0.06 * layer - ridge)[None, :]
            picture[v > top] = shade
        return cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 2.0)).astype(np.uint8)
    return picture


def _mixed(first: Color, second: Color, mix: NDArray[np.floating]) -> Image:
    blend = first * (1 - mix[..., None]) + second * mix[..., None]
    return (255 * np.clip(blend, 0, 1)).astype(np.uint8)
