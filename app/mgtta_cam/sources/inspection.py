"""Rejects frames that the model must not adapt to: black, blank, noise, half-decoded, repeated.

Rejected frames are still classified and shown.
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

SIDE = 64  # pixels, of the thumbnail by which frames are compared
DARKEST = 16  # a thumbnail that is nowhere brighter is black: black in video is 16 of 255
LEAST_RANGE = 4  # levels between darkest and brightest pixel; less in every channel is one color, as a blue screen
# Correlation of neighboring pixels: at most 0.07 for pure noise, at least 0.38 for 1,000 photographs.
LEAST_LIKENESS = 0.1
MISSING = ((128, 128, 128), (0, 135, 0))  # what decoders paint where data are missing: gray, and zeros in YUV
MISSING_WITHIN = 3  # levels
LOWEST = 1 / 16  # of the height: the rows that show whether a picture was decoded to its end
INTRA = ("MJPG", "JPEG")  # codecs without dependencies between pictures, as `facts_of` names them
FROZEN_S = 1.0  # frames that repeat for longer mean a frozen camera


def inspected(*, intra: bool = False) -> Stage:
    """Marks frames that the model must not adapt to with a reason, `Frame.rejected`; an earlier reason stays.

    Reasons: `black`, `blank`, `noise`, `half-decoded`, `repeated` (like the frame before), `frozen` (for more than a
    second). The first frame of a new scene is marked too, by `Frame.cut`; rejected frames never begin a scene.

    Args:
        intra: whether each picture is coded independently, as in MJPEG. Then rows that are identical to those of the
            previous picture were left there by the decoder; in other codecs, a static scene has such rows.
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
            if not reason and changed:  # rows that stay the same for many frames are a border or a caption
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
    """Shrinks uint8 [h, w, 3] to [SIDE, SIDE, 3] by averaging areas, which reduces a camera's noise."""
    if min(image.shape[:2]) <= 8 * SIDE:
        return np.asarray(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    # Averaging 64 pixels is enough, and OpenCV does so fastest by halving three times.
    image = np.asarray(cv2.resize(image, (8 * SIDE, 8 * SIDE), interpolation=cv2.INTER_NEAREST), np.uint8)
    for side in (4 * SIDE, 2 * SIDE, SIDE):
        image = np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    return image


def brightness(seen: Image) -> NDArray[np.float32]:
    """Averages the channels of uint8 [h, w, 3]: [h, w], 0..255."""
    return np.asarray(cv2.transform(seen.astype(np.float32), np.full((1, 3), 1 / 3, np.float32)), np.float32)


def empty(seen: Image) -> str | None:
    """Returns `black` or `blank` if a thumbnail shows nothing, else None."""
    pixels = np.ascontiguousarray(seen).reshape(-1, seen.shape[-1])
    brightest, darkest = (cv2.reduce(pixels, 0, how) for how in (cv2.REDUCE_MAX, cv2.REDUCE_MIN))
    if brightest.max() <= DARKEST:
        return "black"
    return "blank" if (brightest - darkest).max() < LEAST_RANGE else None


def likeness_of_neighbors(gray: NDArray[np.float32]) -> float:
    """Returns the correlation of neighboring pixels of a thumbnail, -1..1; noise gives about 0."""
    gray = gray - gray.mean()
    pairs = [(gray[:, 1:] * gray[:, :-1]).mean(), (gray[1:] * gray[:-1]).mean()]
    return float(np.mean(pairs) / max(np.square(gray).mean(), 1e-9))


def cut_short(image: Image) -> bool:
    """Returns whether all lowest rows have a color that decoders paint where data are missing."""
    lowest = _lowest(image)[:, :: max(1, image.shape[1] // SIDE)].astype(np.int16)
    return any(np.abs(lowest - color).max() <= MISSING_WITHIN for color in MISSING)


def same_below(image: Image, before: Image) -> bool:
    """Returns whether the lowest rows are identical to the previous picture's, and not empty."""
    lowest = _lowest(image)
    return image.shape == before.shape and np.array_equal(lowest, _lowest(before)) and not empty(lowest)


def _lowest(image: Image) -> Image:
    return image[-max(1, round(len(image) * LOWEST)) :]
