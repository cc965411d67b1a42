"""Is this a file that may be written? Asked before the run, not after an hour of it."""

from __future__ import annotations

import os
from pathlib import Path

from app.errors import OutputError


def writable(path: Path, *, overwrite: bool) -> Path:
    """The path, if a file can be written there.

    Raises:
        OutputError: if the folder is missing or closed to us, the path is a folder, or a file exists and
            `overwrite` is not set.
    """
    parent = path.parent
    if not parent.is_dir():
        raise OutputError(f"cannot write {path}: there is no folder {parent}; make it first")
    if path.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder; name a file in it")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists; choose another name or pass --overwrite")
    if not os.access(path if path.exists() else parent, os.W_OK):
        raise OutputError(f"cannot write {path}: permission denied")
    return path
