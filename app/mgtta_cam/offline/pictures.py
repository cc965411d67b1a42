"""Read folders of pictures, for statistics, pre-training and the bench."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from mgtta_cam.errors import SourceDamagedError, SourceError, UsageError
from mgtta_cam.sources.image_files import SUFFIXES, pictures_below
from mgtta_cam.types import Image

T = TypeVar("T")


def find(folder: Path) -> list[Path]:
    """All picture files below a folder, in the order of `pictures_below`.

    Raises:
        SourceError: if the folder is missing, unreadable or has no pictures.
    """
    if not os.path.isdir(folder):
        raise SourceError(f"expected a folder of pictures; {folder} is not a folder")
    found = pictures_below(folder)
    if not found:
        raise SourceError(f"no pictures ({', '.join(sorted(SUFFIXES))}) in {folder} or below it")
    return found


def stretch(items: Sequence[T], count: int | None, skip: int, seed: int, folder: Path) -> tuple[T, ...]:
    """Shuffle a folder's items and take `count` of them (all, if None) after the first `skip`.

    Raises:
        UsageError: if there are too few.
    """
    shuffled = list(items)
    random.Random(seed).shuffle(shuffled)  # noqa: S311  a shuffle, not a secret
    chosen = shuffled[skip:] if count is None else shuffled[skip : skip + count]
    if not chosen or (count is not None and len(chosen) < count):
        wanted = f"--count {count} after --skip {skip}" if count is not None else f"--skip {skip}"
        raise UsageError(f"{folder} has {len(shuffled)} pictures: too few for {wanted}")
    return tuple(chosen)


def decode(path: Path) -> Image | None:
    """Decode a picture file as uint8 [h, w, 3] RGB; None if it is not a picture."""
    content = np.fromfile(path, np.uint8)
    try:
        image = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    except cv2.error:  # a header that claims an absurd number of pixels
        return None
    return None if image is None else np.ascontiguousarray(image[:, :, ::-1], dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Selection:
    """A random selection of a folder's pictures: the seed determines an order, from which a stretch is taken.

    Selections of one folder and seed whose stretches do not overlap share no pictures.
    """

    folder: Path
    paths: tuple[Path, ...]

    @classmethod
    def draw(cls, folder: Path, count: int | None, skip: int, seed: int) -> Selection:
        """Take `count` pictures (all, if None) after the first `skip` of the shuffled folder.

        Raises:
            UsageError: if the folder has fewer.
        """
        return cls(folder, stretch(find(folder), count, skip, seed, folder))

    @property
    def digest(self) -> str:
        """sha256 over the files' contents, in order."""
        sha = hashlib.sha256()
        for path in self.paths:
            sha.update(hashlib.sha256(path.read_bytes()).digest())
        return sha.hexdigest()

    def images(self, skipped: Callable[[Path], None]) -> Iterator[tuple[int, Image, Path]]:
        """Decode the pictures in order; yields (place in the selection, uint8 [h, w, 3] RGB, path).

        A file that does not decode is passed to `skipped` and skipped.

        Raises:
            SourceDamagedError: if no file decodes.
        """
        good = 0
        for place, path in enumerate(self.paths):
            image = decode(path)
            if image is None:
                skipped(path)
                continue
            good += 1
            yield place, image, path
        if not good:
            raise SourceDamagedError(f"none of the {len(self.paths)} pictures chosen from {self.folder} decodes")


def batches(items: Iterable[T], size: int) -> Iterator[Sequence[T]]:
    """Group consecutive items in lists of `size`; the last may be shorter."""
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
