"""Finds picture files."""

from __future__ import annotations

import os
from pathlib import Path

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm"})


def is_picture(path: Path) -> bool:
    """Returns whether the name has a picture's suffix."""
    return path.suffix.lower() in SUFFIXES


def pictures_below(folder: Path) -> list[Path]:
    """Lists the pictures in a folder and its subfolders, sorted by path; each linked folder is followed once."""
    found, seen = list[Path](), set[str]()
    for below, folders, names in os.walk(folder, followlinks=True):
        if (true := os.path.realpath(below)) in seen:
            folders.clear()
            continue
        seen.add(true)
        paths = (Path(below, name) for name in names)
        found += [path for path in paths if is_picture(path) and os.path.isfile(path)]
    return sorted(found)
