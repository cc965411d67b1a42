"""Corruption of a stream: noise is new in each frame, all else is held or drifts slowly; replay needs no history."""

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
"""Held textures are kept for so many (corruption, severity, size); older ones are drawn again, the same as before."""


class Corruptor:
    """Corrupts the frames of one stream.

    What a frame gets is a function of (seed, corruption, severity, size, frame index) and its own pixels alone: frames
    may be left out, repeated or visited in any order.
    """

    def __init__(self, seed: int = 0, *, scale: Scale = "display", frost_dir: str | Path | None = None) -> None:
        """Take any seed from 0 to 2**64 - 1; `scale` and `frost_dir` are those of `corrupt`."""
        if not 0 <= seed < 1 << 64:
            raise ValueError(f"expected a seed from 0 to 2**64 - 1, got {seed}")
        if frost_dir is not None:
            frost_pictures(Path(frost_dir))  # a missing file is told now, not in the middle of the stream
        self.seed = seed
        self.scale: Scale = scale
        self.frost_dir = frost_dir
        self._held = lru_cache(maxsize=HELD_AT_ONCE)(self._draw)

    def apply(self, image: Image, name: str, severity: int, index: int) -> Image:
        """Corrupt frame `index` (0, 1, 2, ...) of the stream: uint8 [h, w, 3] RGB in, a new one out.

        Raises ValueError as `corrupt` does, or for a negative index.
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
        # The severity is left out, so that turning it up keeps the direction of the wind and the window of ice.
        words = [self.seed & 0xFFFFFFFF, self.seed >> 32, zlib.crc32(name.encode()), *index]
        return CORRUPTIONS[name].draw(np.random.RandomState(words), setting)


class Plan(Protocol):
    """Says which corruption a frame gets: a `Schedule`, or the state of a keyboard."""

    def at(self, index: int) -> tuple[str, int] | None:
        """(name, severity 1..5) for frame `index`, or None if it stays clean."""
        ...


def corrupt_frame(frame: Frame, plan: Plan, corruptor: Corruptor) -> Frame:
    """A frame with the corruption of the plan; the frame itself if it stays clean.

    The new frame names its corruption, keeps the clean picture, and says under `ms["corrupt"]` how long it took.
    """
    corruption = plan.at(frame.index)
    if corruption is None:
        return frame
    start = time.perf_counter()
    image = corruptor.apply(frame.image, *corruption, frame.index)
    ms = {**frame.ms, "corrupt": (time.perf_counter() - start) * 1e3}
    return replace(frame, image=image, corruption=corruption, clean=frame.image, ms=ms)
