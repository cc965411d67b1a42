"""Frost on a window, made by a program: needles that branch like ferns over a mottled sheet of ice."""

from __future__ import annotations

import cv2
import numpy as np

from app.corruptions.plasma import plasma
from app.corruptions.setting import Setting
from app.types import Image


def window_ice(seed: int) -> Image:
    """A uint8 [480, 640, 3] RGB picture of ice, the same for the same seed."""
    rng = np.random.RandomState(seed)
    sheet = plasma(1024, 1.6, rng, Setting(480, 640, fast=True))[:480, :640]
    levels = 90 + 110 * sheet
    tint = np.array([0.9, 0.97, 1.0])
    return np.clip(cv2.GaussianBlur(levels, (0, 0), 1)[..., None] * tint, 0, 255).astype(np.uint8)
