"""A corruption's parameters other than pixels and random numbers: size, strength, scale and kind of draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from mgtta_cam.types import Image

T = TypeVar("T")

Draws = Literal["reference", "fast"]
Scale = Literal["fidelity", "display"]

REFERENCE_SIDE = 224
"""Side in pixels of the pictures for which the published constants were chosen."""

SMALLEST_SIDE = 32
"""Minimum side in pixels: several corruptions need this room (the glass shuffle, the zoom crops)."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Size, strength, scale and kind of draws of one corruption.

    `k` is the length in image pixels of one pixel of a 224 picture: 1 in fidelity mode, min(h, w) / 224 in display
    mode. Random fields are drawn on `grid`, whose pixels are k image pixels wide, and are then enlarged by k.
    """

    height: int
    width: int
    severity: int = 5
    k: float = 1.0
    fast: bool = False
    seamless: bool = False  # textures wrap around, so that a stream can move them endlessly
    frost_dir: Path | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image, pixels."""
        return self.height, self.width

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the grid on which random fields are drawn."""
        if self.k == 1:
            return self.shape
        return round(self.height / self.k), round(self.width / self.k)

    def pick(self, constants: Sequence[T]) -> T:
        """The entry of `constants` (five, from weak to strong) for this severity."""
        return constants[self.severity - 1]


@dataclass(frozen=True, slots=True)
class Corruption:
    """One corruption, split for video into its random part and its deterministic part.

    `draw(rng, setting)` draws all random numbers and returns a value that `render(image, drawn, setting)` applies; the
    image is never modified. A stream draws for each frame if `held` is False (noise), and once per clip if it is
    True. `drift(drawn, index)` then moves the held value, depending only on the frame index.
    """

    draw: Callable[[np.random.RandomState, Setting], Any]
    render: Callable[[Image, Any, Setting], Image]
    held: bool = True
    drift: Callable[[Any, int], Any] | None = None

    def __call__(
        self, image: Image, severity: int, rng: np.random.RandomState, setting: Setting | None = None
    ) -> Image:
        """Corrupt one image (uint8 [h, w, 3] RGB, unchecked) with fresh draws from `rng`."""
        setting = setting or Setting(image.shape[0], image.shape[1], severity)
        return self.render(image, self.draw(rng, setting), setting)


def no_draw(rng: np.random.RandomState, setting: Setting) -> None:
    """The `draw` of deterministic corruptions: uses nothing from `rng`."""
