"""Frames that a program makes: RGB arrays from any iterable, so that a robot or a web server needs no file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from mgtta_cam.errors import UsageError
from mgtta_cam.types import Frame, Image

FRAMES_PER_SECOND = 25.0  # of arrays that come without a time


class IterableSource:
    """Arrays as frames, in the order they come.

    Args:
        images: uint8 [h, w, 3] RGB arrays, or pairs `(array, seconds)` with the media time since the start.
        name: how the source is called in a log.

    Raises:
        UsageError: on iteration, if an item is no such array; it says what came.
    """

    def __init__(self, images: Iterable[Any], *, name: str) -> None:
        self._images = images
        self.fps = FRAMES_PER_SECOND
        self.facts: dict[str, object] = {"kind": "iterable", "name": name, "fps": self.fps, "delivered": 0}

    def __iter__(self) -> Iterator[Frame]:
        for index, item in enumerate(self._images):
            image, seconds = item if isinstance(item, tuple) and len(item) == 2 else (item, index / self.fps)
            yield Frame(index, float(seconds), checked(image, index))
            self.facts["delivered"] = index + 1

    def close(self) -> None:
        """Closes a generator; other iterables belong to whoever made them."""
        close = getattr(self._images, "close", None)
        if isinstance(self._images, Iterator) and close is not None:
            close()


def checked(image: Any, index: int) -> Image:
    """An array as an image, copied because its maker may write the next frame into the same memory.

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
