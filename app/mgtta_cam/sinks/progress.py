"""A one-line progress display for interactive terminals."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.text import Text

from mgtta_cam.types import FrameResult, Score

SECONDS_BETWEEN_UPDATES = 0.25


class ProgressLine:
    """A line that is rewritten in place and removed at the end. Use it only on a terminal.

    Args:
        console: a terminal.
        words: describes a result; `describe` by default.
    """

    def __init__(self, console: Console, words: Callable[[FrameResult], str] | None = None) -> None:
        self._words = words or describe
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._due = 0.0

    def write(self, result: FrameResult) -> None:
        """Show a result, at most four times per second."""
        words, now = self._words(result), time.monotonic()
        if now < self._due:
            return
        self._due = now + SECONDS_BETWEEN_UPDATES
        if not self._live.is_started:
            self._live.start()
        self._live.update(Text(words, overflow="ellipsis", no_wrap=True), refresh=True)

    def close(self) -> None:
        """Remove the line."""
        if self._live.is_started:
            self._live.stop()


def describe(result: FrameResult) -> str:
    """Describe a result: `frame 300  29.7 fps  12 ms  mgtta, 4 updates  fog:4  frozen 41.0 %  adapted 52.5 %`."""
    parts = [
        f"frame {result.frame.index}",
        f"{result.fps:.1f} fps",
        f"{result.latency_ms:.0f} ms",
        f"{result.method}, {result.updates} update{'' if result.updates == 1 else 's'}",
    ]
    if result.frame.corruption is not None:
        parts.append("{}:{}".format(*result.frame.corruption))
    parts += _accuracy("frozen", result.frozen_score) + _accuracy("adapted", result.score)
    return "  ".join(parts)


class Counting:
    """Describes the progress of several streams: `3 streams  900 frames  87.1 fps total`.

    Args:
        streams: number of streams.
    """

    def __init__(self, streams: int) -> None:
        self._streams = streams
        self._frames = 0
        self._began = time.monotonic()

    def __call__(self, _: FrameResult) -> str:
        """Count a result of any stream and describe the total."""
        if not self._frames:
            self._began = time.monotonic()
        self._frames += 1
        seconds = time.monotonic() - self._began
        fps = (self._frames - 1) / seconds if seconds > 0 else 0.0
        return f"{self._streams} streams  {self._frames} frame{'' if self._frames == 1 else 's'}  {fps:.1f} fps total"


def _accuracy(name: str, score: Score | None) -> list[str]:
    return [] if score is None else [f"{name} {100 * score.recent:.1f} %"]
