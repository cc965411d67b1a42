"""Corrupts frames as planned, and crops them to the model's input."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from mgtta_cam.corruptions import Corruptor, corrupt_frame
from mgtta_cam.corruptions.live import Plan
from mgtta_cam.corruptions.setting import SMALLEST_SIDE
from mgtta_cam.errors import UsageError
from mgtta_cam.types import Frame, Image


class FramePreprocessor:
    """A stage that corrupts and crops frames.

    Args:
        crop: uint8 [h, w, 3] -> uint8 [s, s, 3], the model's input.
        corruptor: draws this stream's corruptions.
        plan: a corruption for each frame.
        on_crop: corrupt the crop, which is all that is shown; otherwise the whole frame.
        known: corruptions to compile before the first frame, so that no frame waits.

    Raises:
        UsageError: if a frame is too small for its corruption.
    """

    def __init__(
        self,
        crop: Callable[[Image], Image],
        corruptor: Corruptor,
        plan: Plan,
        *,
        on_crop: bool = False,
        known: Iterable[tuple[str, int]] = (),
    ) -> None:
        self._crop, self._corruptor, self._plan, self._on_crop = crop, corruptor, plan, on_crop
        self._known = tuple(known)

    def __call__(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Preprocesses each frame."""
        smallest = np.zeros((SMALLEST_SIDE, SMALLEST_SIDE, 3), np.uint8)
        for name, severity in self._known:
            self._corruptor.apply(smallest, name, severity, 0)
        for frame in frames:
            yield self.frame(frame)

    def frame(self, frame: Frame) -> Frame:
        """A new frame with its crop, corrupted if the plan says so."""
        began = time.perf_counter()
        if self._on_crop:
            frame = replace(frame, image=self._crop(frame.image))
        try:
            frame = corrupt_frame(frame, self._plan, self._corruptor)
        except ValueError as error:
            raise UsageError(f"a frame cannot be corrupted: {error}") from None
        crop = self._crop(frame.image)
        prep_ms = (time.perf_counter() - began) * 1000 - frame.ms.get("corrupt", 0.0)
        return replace(frame, crop=crop, ms={**frame.ms, "prep": prep_ms})

    def again(self, frame: Frame) -> Frame:
        """Preprocesses a frame again, under the plan as it is now."""
        seen = frame.image if frame.clean is None else frame.clean
        ms = {name: value for name, value in frame.ms.items() if name != "corrupt"}
        return self.frame(replace(frame, image=seen, corruption=None, clean=None, ms=ms))
