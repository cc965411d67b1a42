"""Apply one corruption of one severity to one picture: `corrupt`."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import get_args

import numpy as np

from mgtta_cam.corruptions.digital import through_jpeg
from mgtta_cam.corruptions.names import NAMES, check_name, check_severity
from mgtta_cam.corruptions.setting import REFERENCE_SIDE, SMALLEST_SIDE, Draws, Scale, Setting, no_draw
from mgtta_cam.corruptions.table import CORRUPTIONS
from mgtta_cam.types import Image


def corrupt(
    image: Image,
    name: str,
    severity: int,
    rng: np.random.RandomState | np.random.Generator,
    *,
    draws: Draws = "reference",
    scale: Scale = "fidelity",
    frost_dir: str | Path | None = None,
    jpeg85: bool = False,
) -> Image:
    """Apply one ImageNet-C corruption (Hendrycks & Dietterich, arXiv 1903.12261) to a picture.

    Args:
        image: uint8 [h, w, 3] RGB, sides of 32 pixels or more. Never modified.
        name: one of `CORRUPTIONS`.
        severity: 1..5.
        rng: source of randomness; deterministic corruptions do not use it. A `Generator` is drawn from through the
            distributions of `RandomState`, which the ImageNet-C script uses.
        draws: "reference" draws the same numbers as the ImageNet-C script, so that at 224 x 224 the same
            `RandomState` gives the same picture; "fast" gives the same distribution in less time.
        scale: "fidelity" keeps the published constants at any size; at 224 x 224 this is ImageNet-C. "display"
            multiplies lengths in pixels by min(h, w) / 224, so that a large frame looks as corrupted as a small one;
            this is not ImageNet-C.
        frost_dir: folder with ImageNet-C's frost pictures; None for generated ones.
        jpeg85: pass the result through JPEG of quality 85 (4:2:0), as the published files did.

    Returns:
        A new uint8 [h, w, 3] RGB array, C-contiguous.

    Raises:
        ValueError: if an argument does not match this description.
    """
    check_name(name)
    setting = setting_for(image, severity, draws=draws, scale=scale, frost_dir=frost_dir)
    corruption = CORRUPTIONS[name]
    if isinstance(rng, np.random.Generator):
        rng = np.random.RandomState(rng.bit_generator)
    if corruption.draw is not no_draw and not isinstance(rng, np.random.RandomState):
        raise ValueError(
            f"{name} is random: expected rng to be a numpy.random.Generator or RandomState, got "
            f"{type(rng).__name__}; create one with numpy.random.default_rng(seed)"
        )
    out = corruption.render(plain(image), corruption.draw(rng, setting), setting)
    return through_jpeg(out, quality=85, optimize=True) if jpeg85 else out


def setting_for(
    image: Image,
    severity: int,
    *,
    draws: Draws = "reference",
    scale: Scale = "fidelity",
    frost_dir: str | Path | None = None,
) -> Setting:
    """Check the arguments of `corrupt` (raising ValueError) and return the setting for an image."""
    check_image(image)
    for option, value, known in (("draws", draws, get_args(Draws)), ("scale", scale, get_args(Scale))):
        if value not in known:
            raise ValueError(f"{option} must be one of {', '.join(known)}, got {value!r}")
    height, width = image.shape[:2]
    return Setting(
        height=height,
        width=width,
        severity=check_severity(severity),
        k=min(height, width) / REFERENCE_SIDE if scale == "display" else 1.0,
        fast=draws == "fast",
        frost_dir=None if frost_dir is None else Path(frost_dir),
    )


def check_image(image: Image) -> None:
    """Raise ValueError unless `image` is uint8 [h, w, 3] with sides of at least 32 pixels."""
    if not isinstance(image, np.ndarray):
        raise ValueError(
            f"expected a numpy array uint8 [h, w, 3], got {type(image).__name__}; convert with numpy.asarray"
        )
    if image.dtype != np.uint8:
        raise ValueError(
            f"expected dtype uint8 with levels 0..255, got {image.dtype}; scale and convert the picture first"
        )
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            f"expected an RGB picture [h, w, 3], got shape {list(image.shape)}; "
            "repeat a gray picture three times, drop an alpha channel"
        )
    if min(image.shape[:2]) < SMALLEST_SIDE:
        raise ValueError(
            f"expected sides of at least {SMALLEST_SIDE} pixels, got {image.shape[0]} x {image.shape[1]}; "
            "enlarge the picture first"
        )


def plain(image: Image) -> Image:
    """The image itself if its memory is contiguous and writable, else a copy: one layout, one compilation."""
    return image if image.flags.c_contiguous and image.flags.writeable else np.array(image, order="C")


def warm_up() -> None:
    """Compile all loops and build all tables, so that no frame waits for them (takes seconds once, then cached)."""
    image = np.zeros((SMALLEST_SIDE, SMALLEST_SIDE, 3), np.uint8)
    for draws, scale, name, severity in product(get_args(Draws), get_args(Scale), NAMES, (1, 5)):
        corrupt(image, name, severity, np.random.RandomState(0), draws=draws, scale=scale)
