"""Which frames show something: black, blank, noise, half-decoded and repeated ones are marked, and must not teach.

They are answered like all others: what is refused is the update, not the viewer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from mgtta_cam.sources.decoding import HALF_DECODED
from mgtta_cam.sources.scene_cuts import layout, same_scene
from mgtta_cam.types import Frame, Image, Stage

SIDE = 64  # of the thumbnail that frames are compared by
DARKEST = 16  # a thumbnail that is nowhere brighter shows nothing: black in video is 16 of 255
LEAST_RANGE = 4  # levels; less from the darkest to the brightest place, in each channel, is one color: a blue screen
# Correlation of neighboring places: of mere noise it was 0.07 at most, of 1,000 photographs 0.38 at least.
LEAST_LIKENESS = 0.1
MISSING = ((128, 128, 128), (0, 135, 0))  # what decoders paint where data end: gray, and zeros of YUV
MISSING_WITHIN = 3  # levels
LOWEST = 1 / 16  # of the height: where it shows that a picture was not decoded to its end
INTRA = ("MJPG", "JPEG")  # codecs of pictures on their own, as `facts_of` names them
FROZEN_S = 1.0  # frames that repeat for longer are a frozen camera


def inspected(*, intra: bool = False) -> Stage:
    """Marks frames with the reason why they must not teach, `Frame.rejected`; a reason they came with stays.

    Reasons: `black`, `blank`, `noise`, `half-decoded`, `repeated` (like the frame before), `frozen` (for more than a
    second). The first frame of a new scene is marked too, `Frame.cut`; frames that are refused lie between scenes or
    within one.

    Args:
        intra: each picture is coded on its own, as in MJPEG. Then rows that are, to the bit, those of the picture
            before were left there by the decoder; elsewhere a scene that stands still has such rows.
    """

    def stage(frames: Iterable[Frame]) -> Iterator[Frame]:
        before: Frame | None = None
        seen_before: Image | None = None
        since, kept = 0.0, False
        scene: NDArray[np.float32] | None = None
        for frame in frames:
            seen, kept_before = thumbnail(frame.image), kept
            changed = seen_before is None or not np.array_equal(seen, seen_before)
            since = frame.seconds if changed else since
            kept = intra and changed and before is not None and same_below(frame.image, before.image)
            gray = brightness(seen)
            reason = empty(seen) or ("noise" if likeness_of_neighbors(gray) < LEAST_LIKENESS else None)
            if not reason and changed:  # rows that are the same in frame after frame are a border, or a caption
                reason = HALF_DECODED if (kept and not kept_before) or cut_short(frame.image) else None
            elif not reason:
                reason = "repeated" if frame.seconds - since <= FROZEN_S else "frozen"
            before, seen_before = frame, seen
            reason, cut = frame.rejected or reason, False
            if not reason:
                here = layout(gray)
                cut = scene is not None and not same_scene(scene, here)
                scene = here
            yield replace(frame, rejected=reason, cut=cut)

    return stage


def thumbnail(image: Image) -> Image:
    """uint8 [h, w, 3] -> [SIDE, SIDE, 3]: means over areas, so that a camera's noise is small in it."""
    if min(image.shape[:2]) <= 8 * SIDE:
        return np.asarray(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    # 64 pixels for each place are enough; halving three times is OpenCV's quick way.
    image = np.asarray(cv2.resize(image, (8 * SIDE, 8 * SIDE), interpolation=cv2.INTER_NEAREST), np.uint8)
    for side in (4 * SIDE, 2 * SIDE, SIDE):
        image = np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    return image


def brightness(seen: Image) -> NDArray[np.float32]:
    """uint8 [h, w, 3] -> [h, w], means over channels, 0..255."""
    return np.asarray(cv2.transform(seen.astype(np.float32), np.full((1, 3), 1 / 3, np.float32)), np.float32)


def empty(seen: Image) -> str | None:
    """`black` or `blank`, if a thumbnail shows nothing."""
    pixels = np.ascontiguousarray(seen).reshape(-1, seen.shape[-1])
    brightest, darkest = (cv2.reduce(pixels, 0, how) for how in (cv2.REDUCE_MAX, cv2.REDUCE_MIN))
    if brightest.max() <= DARKEST:
        return "black"
    return "blank" if (brightest - darkest).max() < LEAST_RANGE else None


def likeness_of_neighbors(gray: NDArray[np.float32]) -> float:
    """Correlation of a thumbnail's places with those right of and below them, -1..1: near 0 where all is chance."""
    gray = gray - gray.mean()
    pairs = [(gray[:, 1:] * gray[:, :-1]).mean(), (gray[1:] * gray[:-1]).mean()]
    return float(np.mean(pairs) / max(np.square(gray).mean(), 1e-9))


def cut_short(image: Image) -> bool:
    """Whether the lowest rows are all of a color that decoders paint where data are missing."""
    lowest = _lowest(image)[:, :: max(1, image.shape[1] // SIDE)].astype(np.int16)
    return any(np.abs(lowest - color).max() <= MISSING_WITHIN for color in MISSING)


def same_below(image: Image, before: Image) -> bool:
    """Whether the lowest rows are those of the picture before, and show something."""
    lowest = _lowest(image)
    return image.shape == before.shape and np.array_equal(lowest, _lowest(before)) and not empty(lowest)


def _lowest(image: Image) -> Image:
    return image[-max(1, round(len(image) * LOWEST)) :]
