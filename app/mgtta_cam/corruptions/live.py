"""Corrupt a stream: noise is new in each frame, everything else is held or drifts slowly. Replay needs no history."""

from __future__ import annotations

import time
import zlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mgtta_cam.corruptions.frost import frost_pictures
from mgtta_cam.corruptions.names import check_name
from mgtta_cam.corruptions.picture import plain, setting_for
from mgtta_cam.corruptions.setting import Scale, Setting
from mgtta_cam.corruptions.table import CORRUPTIONS
from mgtta_cam.types import Frame, Image

HELD_AT_ONCE = 4
"""Number of (corruption, severity, size) for which held textures are cached; others are redrawn identically."""


class Corruptor:
    """Corrupts the frames of one stream.

    The result depends only on (seed, corruption, severity, size, frame index) and the frame's pixels, so frames may be
    skipped, repeated or visited in any order.
    """

    def __init__(self, seed: int = 0, *, scale: Scale = "display", frost_dir: str | Path | None = None) -> None:
        """Initialize from a seed in 0..2**64 - 1; `scale` and `frost_dir` are those of `corrupt`."""
        if not 0 <= seed < 1 << 64:
            raise ValueError(f"expected a seed from 0 to 2**64 - 1, got {seed}")
        if frost_dir is not None:
            frost_pictures(Path(frost_dir))  # report a missing file now, not in the middle of the stream
        self.seed = seed
        self.scale: Scale = scale
        self.frost_dir = frost_dir
        self._held = lru_cache(maxsize=HELD_AT_ONCE)(self._draw)

    def apply(self, image: Image, name: str, severity: int, index: int) -> Image:
        """Corrupt frame `index` (0, 1, 2, ...) of the stream; returns a new uint8 [h, w, 3] RGB image.

        Raises:
            ValueError: as `corrupt` does, or for a negative index.
        """
        if index < 0:
            raise ValueError(f"expected a frame index of 0 or more, got {index}")
        corruption = CORRUPTIONS[check_name(name)]
        setting = setting_for(image, severity, draws="fast", scale=self.scale, frost_dir=self.frost_dir)
        setting = replace(setting, seamless=True)
        drawn = self._held(name, setting) if corruption.held else self._draw(name, setting, index)
        if corruption.drift is not None:
            drawn = corruption.drift(drawn, index)
        return corruption.render(plain(image), drawn, setting)

    def _draw(self, name: str, setting: Setting, *index: int) -> Any:
        # The key excludes severity, so that raising it keeps the wind's direction and the window of ice.
        words = [self.seed & 0xFFFFFFFF, self.seed >> 32, zlib.crc32(name.encode()), *index]
        return CORRUPTIONS[name].draw(np.random.RandomState(words), setting)


class Plan(Protocol):
    """Decides which corruption a frame gets: a `Schedule`, or the state that keys control."""

    def at(self, index: int) -> tuple[str, int] | None:
        """(name, severity 1..5) for frame `index`, or None for clean."""
        ...


def corrupt_frame(frame: Frame, plan: Plan, corruptor: Corruptor) -> Frame:
    """Apply the plan's corruption to a frame; a clean frame is returned as it is.

    The new frame names its corruption, keeps the clean picture, and has the time taken under `ms["corrupt"]`.
    """
    corruption = plan.at(frame.index)
    if corruption is None:
        return frame
    start = time.perf_counter()
    image = corruptor.apply(frame.image, *corruption, frame.index)
    ms = {**frame.ms, "corrupt": (time.perf_counter() - start) * 1e3}
    return replace(frame, image=image, corruption=corruption, clean=frame.image, ms=ms)
