"""Where results go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.config import Settings
from app.errors import OutputError, UsageError
from app.types import FrameResult, Image, Sink

TITLE = "mgtta-cam"


def check_outputs(settings: Settings) -> None:
    """Sees that all output files can be written, before anything slow begins.

    Raises:
        OutputError, UsageError: if one cannot, or two are the same.
    """
    from app.writing import writable

    wanted = [path for path in (settings.save, settings.log) if path is not None]
    if len({path.resolve() for path in wanted}) < len(wanted):
        raise UsageError(f"--save and --log name the same file: {settings.save}")
    for path in wanted:
        writable(path, overwrite=settings.overwrite)


def recorders(
    settings: Settings, fps: float, render: Callable[[FrameResult], Image], picture: Path | None
) -> list[Sink]:
    """The video and the picture that were asked for."""
    from app.sinks.keepsake import Keepsake
    from app.sinks.video import VideoSink

    sinks: list[Sink] = []
    if settings.save is not None:
        rate = fps / settings.vid_stride
        rate = min(rate, settings.max_fps or rate)
        sinks.append(VideoSink(settings.save, rate, render, overwrite=settings.overwrite))
    if picture is not None:
        sinks.append(Keepsake(picture, render, overwrite=settings.overwrite))
    return sinks


def window(settings: Settings, render: Callable[[FrameResult], Image], tell: Callable[..., None]) -> Any:
    """A window if it is wanted and a display answers; otherwise None, and one line that says why."""
    if settings.show is False:
        return None
    from app.sinks.display import display_problem
    from app.sinks.window import WindowSink

    if problem := display_problem():
        if settings.show:
            raise OutputError(f"--show: {problem}")
        tell("headless", why=problem)
        return None
    return WindowSink(TITLE, render)
