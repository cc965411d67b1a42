"""The order in which pictures are shown, and the corruption of each."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import cv2
import numpy as np

from mgtta_cam.types import Image

RESET, MIXED, CONTINUAL, DIRICHLET = "reset", "mixed", "continual", "dirichlet"
HELD, SLOW, SUDDEN = "held", "slow", "sudden"
PROTOCOLS = {
    RESET: "the source model before each corruption, pictures shuffled (the paper's Tables 1 and 3)",
    MIXED: "all corruptions shuffled into one stream (Table 7)",
    CONTINUAL: "one corruption after another, never reset",
    DIRICHLET: "as reset, but classes come in clusters: Dirichlet proportions of 0.1 over time slots",
    HELD: "as reset, but each picture is shown 30 times while the camera moves a little",
    SLOW: "as held, while the corruption comes and goes: clean, up to the severity, and back",
    SUDDEN: "as held, clean at first; the corruption is there from one picture to the next, for the second half",
}
GROUPS = {"correlated": (DIRICHLET, HELD), "video": (HELD, SLOW, SUDDEN)}  # names for several protocols
CONCENTRATION, SLOTS = 0.1, 100  # of the Dirichlet order, as in NOTE and RoTTA
REPEATS = 30  # frames for which a picture is held
SWAY, ZOOM = 0.03, 0.03  # largest camera movement while a picture is held, as shares of side and scale


class Shot(NamedTuple):
    """One showing of a picture."""

    place: int  # in the pictures' order
    corruption: str
    repeat: int | None = None  # frame number, if the picture is held
    severity: int | None = None  # if it differs from the stream's; 0 is clean


@dataclass(frozen=True, slots=True)
class Stream:
    """Pictures in an order, under corruptions."""

    protocol: str
    corruptions: tuple[str, ...]  # one, except for mixed and continual
    severity: int  # 1..5
    batch: int  # pictures per window

    def windows(self, classes: Sequence[int], seed: int) -> list[list[Shot]]:
        """Split the stream into windows of shots; no window spans an announced change, so a segment's last is shorter.

        Args:
            classes: class of each picture, in order.
            seed: seed of the order, if it is random.
        """
        segments = [_order(self, classes, name, seed) for name in self.corruptions]
        if self.protocol == MIXED:  # in an order independent of the names' order
            together = sorted(shot for segment in segments for shot in segment)
            random.Random(seed).shuffle(together)  # noqa: S311  a shuffle, not a secret
            segments = [together]
        size = self.batch
        return [segment[start : start + size] for segment in segments for start in range(0, len(segment), size)]

    @property
    def still(self) -> bool:
        """Whether each picture is held for REPEATS frames."""
        return self.protocol in GROUPS["video"]


def _order(stream: Stream, classes: Sequence[int], corruption: str, seed: int) -> list[Shot]:
    count = len(classes)
    if stream.still:
        times = product(range(count), range(REPEATS))
        return [Shot(place, corruption, repeat, _severity(stream, place / count)) for place, repeat in times]
    places = clustered(classes, seed) if stream.protocol == DIRICHLET else range(count)
    return [Shot(place, corruption) for place in places]


def _severity(stream: Stream, passed: float) -> int | None:
    """Severity after a share of the stream (0..1) has passed; None: the stream's own."""
    if stream.protocol == SLOW:
        return round(stream.severity * (1 - abs(2 * passed - 1)))
    return 0 if stream.protocol == SUDDEN and passed < 0.5 else None


def clustered(classes: Sequence[int], seed: int) -> list[int]:
    """Places in an order in which classes are clustered.

    Each class's pictures are split over time slots in Dirichlet proportions; within a slot they are grouped by class.
    """
    rng = np.random.RandomState(seed)
    by_class: defaultdict[int, list[int]] = defaultdict(list)
    for place, label in enumerate(classes):
        by_class[label].append(place)
    count = min(len(by_class), SLOTS)
    slots: list[list[list[int]]] = [[] for _ in range(count)]
    for label in sorted(by_class):
        places = by_class[label]
        shares = rng.dirichlet([CONCENTRATION] * count)
        ends = (np.cumsum(shares) * len(places)).round().astype(int)
        for slot, start, end in zip(slots, [0, *ends[:-1]], ends, strict=True):
            slot.append(places[start:end])
    for slot in slots:
        rng.shuffle(slot)  # pyright: ignore[reportArgumentType]  a list of lists
    return [place for slot in slots for chunk in slot for place in chunk]


def held(image: Image, repeat: int, seed: Sequence[int]) -> Image:
    """A frame of a picture as seen by a hand-held camera: uint8 [h, w, 3] RGB, of the same size.

    Position and scale sway smoothly with `repeat`; frame 0 of each picture is nearly centered.
    """
    rng = np.random.RandomState(list(seed))
    speed, phase = rng.uniform(0.5, 2.0, 3), rng.uniform(0, 2 * np.pi, 3)
    x, y, zoom = np.sin(2 * np.pi * speed * repeat / REPEATS + phase)
    height, width = image.shape[:2]
    scale = 1 + ZOOM * zoom
    turn = np.array([[scale, 0, (1 - scale) * width / 2], [0, scale, (1 - scale) * height / 2]])
    turn[:, 2] += SWAY * x * width, SWAY * y * height
    moved = cv2.warpAffine(image, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.uint8)


def label_of(stream: Stream, shot: Shot) -> str:
    """The row of a table that a shot counts toward."""
    return MIXED if stream.protocol == MIXED else shot.corruption
