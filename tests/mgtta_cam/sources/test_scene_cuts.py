"""Cuts between scenes."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from mgtta_cam.corruptions import corrupt
from mgtta_cam.sources.inspection import inspected
from mgtta_cam.types import Frame, Image
from tests.mgtta_cam.sources.test_inspection import film, scene


def marked(frames: list[Frame]) -> list[int]:
    """Indices of frames that begin a scene."""
    return [frame.index for frame in inspected()(frames) if frame.cut]


def shifted(image: Image, by: int) -> Image:
    """Turns the camera a little."""
    return np.roll(image, by, axis=1)


def test_cuts_are_found() -> None:
    """A new picture is a cut; a moving camera, fading light or rain is not."""
    one, other = scene(0), scene(1)
    pan = [shifted(one, 2 * i) for i in range(5)]
    dim = [(other * share).astype(np.uint8) for share in (1.0, 0.8, 0.5, 0.3)]
    noisy = [corrupt(dim[-1], "gaussian_noise", 3, np.random.RandomState(i)) for i in range(3)]
    assert marked(film(*pan, *dim, *noisy)) == [len(pan)]
    small = cv2.resize(one, (64, 48), interpolation=cv2.INTER_AREA)
    assert marked(film(one, np.asarray(small, np.uint8))) == []  # a stream that came back in another size


def test_what_shows_nothing_is_no_scene() -> None:
    """Black frames within a scene do not end it; between two scenes, the second begins after them."""
    one, other, black = scene(0), scene(1), np.zeros_like(scene(0))
    frames = film(one, black, one, black, other)
    frames = [replace(frame, rejected="black") if not frame.image.any() else frame for frame in frames]
    assert marked(frames) == [4]
