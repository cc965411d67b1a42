"""Frames from a program: RGB arrays from any iterable, so that a robot or a web server needs no file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from mgtta_cam.errors import UsageError
from mgtta_cam.types import Frame, Image

FRAMES_PER_SECOND = 25.0  # for arrays without a time


class IterableSource:
    """Yields arrays as frames, in order.

    Args:
        images: uint8 [h, w, 3] RGB arrays, or pairs `(array, seconds)` with the media time since the start.
        name: the source's name in a log.

    Raises:
        UsageError: on iteration, if an item is not such an array.
    """

    def __init__(self, images: Iterable[Any], *, name: str) -> None:
        self._images = images
        self.fps = FRAMES_PER_SECOND
        self.facts: dict[str, object] = {"kind": "iterable", "name": name, "fps": self.fps, "delivered": 0}

    def __iter__(self) -> Iterator[Frame]:
        latest = -math.inf
        for index, item in enumerate(self._images):
            image, seconds = item if isinstance(item, tuple) and len(item) == 2 else (item, index / self.fps)
            image = checked(image, index)
            if not isinstance(seconds, int | float | np.number) or not latest <= seconds < math.inf:
                raise UsageError(
                    f"item {index} of the source: expected seconds that are finite and do not go back; got {seconds!r}"
                )
            latest = float(seconds)
            yield Frame(index, latest, image)
            self.facts["delivered"] = index + 1

    def close(self) -> None:
        """Closes a generator; other iterables belong to their maker."""
        close = getattr(self._images, "close", None)
        if isinstance(self._images, Iterator) and close is not None:
            close()


def checked(image: Any, index: int) -> Image:
    """Returns a copy of an array as an image; its maker may reuse the memory for the next frame.

    Raises:
        UsageError: if it is not uint8 [h, w, 3].
    """
    if not isinstance(image, np.ndarray):
        came = type(image).__name__
    elif image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        came = f"{image.dtype} {list(image.shape)}"
    else:
        return np.array(image, order="C")
    raise UsageError(
        f"item {index} of the source: expected an RGB array, uint8 [h, w, 3], or a pair (array, seconds); got {came}"
    )
