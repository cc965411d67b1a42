"""Which files are pictures."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm"})


def is_picture(path: Path) -> bool:
    """Whether the name is that of a picture."""
    return path.suffix.lower() in SUFFIXES


def pictures_below(folder: Path) -> list[Path]:
    """All pictures in a folder and the folders below it, sorted by path."""
    return sorted(path for path in folder.rglob("*") if is_picture(path) and path.is_file())
