"""Save single pictures as PNG: for the snapshot key and for `--snapshot`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2

from mgtta_cam.errors import OutputError
from mgtta_cam.outputs import writable
from mgtta_cam.types import FrameResult, Image


def save_picture(path: Path, image: Image, *, overwrite: bool = False) -> Path:
    """Write an RGB picture as PNG and return its path.

    Raises:
        ValueError: if the name does not end in .png.
        OutputError: if the file cannot be written, or exists and `overwrite` is not set.
    """
    if path.suffix.lower() != ".png":
        raise ValueError(f"expected a file name ending in .png, got {path.name}")
    writable(path, overwrite=overwrite)
    # Encode in memory: OpenCV's own writer fails silently, and cannot write names outside Windows' code page.
    _, png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    try:
        path.write_bytes(png.tobytes())
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    return path


class Snapshots:
    """Saves drawn results on demand, named after the frame: `snapshot-000123.png`.

    Args:
        folder: where to save them; must exist.
        render: draws a result.
    """

    def __init__(self, folder: Path, render: Callable[[FrameResult], Image]) -> None:
        self._folder = folder
        self._render = render

    def save(self, result: FrameResult) -> Path:
        """Save one result and return the picture's path. A second snapshot of the same frame gets a number.

        Raises:
            OutputError: if the picture cannot be written.
        """
        name = f"snapshot-{result.frame.index:06d}"
        path, again = self._folder / f"{name}.png", 2
        while os.path.exists(path):
            path, again = self._folder / f"{name}-{again}.png", again + 1
        return save_picture(path, self._render(result))


class LastSnapshot:
    """Keeps the latest result and saves it, drawn, when the run ends; a run without results saves nothing.

    Args:
        path: a .png file.
        render: draws a result.
        overwrite: replace an existing file.

    Raises:
        OutputError: if the file cannot be written, or exists and `overwrite` is not set.
    """

    def __init__(self, path: Path, render: Callable[[FrameResult], Image], *, overwrite: bool = False) -> None:
        self._path, self._render = writable(path, overwrite=overwrite), render
        self._latest: FrameResult | None = None

    def write(self, result: FrameResult) -> None:
        """Keep this result instead of the previous one."""
        self._latest = result

    def close(self) -> None:
        """Save the latest result; a second call does nothing."""
        latest, self._latest = self._latest, None
        if latest is not None:
            save_picture(self._path, self._render(latest), overwrite=True)
