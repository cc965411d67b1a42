"""Pictures as a source: one file, a folder or a glob. In ImageNet's layout, folder names are labels."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2

from mgtta_cam.errors import SourceDamagedError, SourceError
from mgtta_cam.sources.capture import to_rgb
from mgtta_cam.types import Frame

PICTURES_PER_SECOND = 25.0  # pictures have no timestamps


class FolderSource:
    """Yields pictures as frames, in the order given.

    Unreadable files are skipped; `facts` counts `promised` and `delivered` pictures. A frame's index is its picture's
    place in `paths`, so that labels stay correct when a picture is skipped.

    Raises:
        SourceError: if there are no pictures.
        SourceDamagedError: on iteration, if none can be read.
    """

    def __init__(self, paths: Sequence[Path], *, name: str) -> None:
        if not paths:
            raise SourceError(f"no pictures in {name}")
        self._paths = tuple(paths)
        self.fps = PICTURES_PER_SECOND
        self.facts: dict[str, object] = {
            "kind": "pictures",
            "name": name,
            "fps": self.fps,
            "promised": len(paths),
            "delivered": 0,
        }

    @property
    def folder_names(self) -> tuple[str, ...]:
        """The name of each picture's folder."""
        return tuple(path.parent.name for path in self._paths)

    def __iter__(self) -> Iterator[Frame]:
        delivered = 0
        for index, path in enumerate(self._paths):
            began = time.perf_counter()
            picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if picture is None or not picture.size:
                continue
            image = to_rgb(picture)
            decode_ms = (time.perf_counter() - began) * 1000
            yield Frame(index, index / self.fps, image, ms={"decode": decode_ms})
            delivered += 1
            self.facts["delivered"] = delivered
        if not delivered:
            raise SourceDamagedError(f"none of the {len(self._paths)} pictures in {self.facts['name']} can be read")

    def close(self) -> None:
        """Does nothing: no file stays open."""
