"""The last result of a run as a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.sinks.picture import save_picture
from app.types import FrameResult, Image
from app.writing import writable


class Keepsake:
    """Holds the latest result and saves it, drawn, when the run ends; a run without results leaves no picture.

    Args:
        path: a .png file.
        render: draws a result.
        overwrite: replace a file that exists.

    Raises:
        OutputError: if the file cannot be written, or exists and `overwrite` is not set.
    """

    def __init__(self, path: Path, render: Callable[[FrameResult], Image], *, overwrite: bool = False) -> None:
        self._path, self._render = writable(path, overwrite=overwrite), render
        self._latest: FrameResult | None = None

    def write(self, result: FrameResult) -> None:
        """Takes the place of the result before."""
        self._latest = result

    def close(self) -> None:
        """Saves it; a second call does nothing."""
        latest, self._latest = self._latest, None
        if latest is not None:
            save_picture(self._path, self._render(latest), overwrite=True)
