"""A session on the terminal: words for people to stderr, data to stdout."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from app import build
from app.controls import Controls
from app.progress import ProgressLine
from app.session import Outcome, Session, play
from app.settings import NOT_ADAPTING, Settings
from app.signals import orderly_end
from app.summary import headline, table
from app.writing import to_stdout


def watch(settings: Settings, picture: Path | None = None) -> Outcome:
    """Runs a session as the settings say and prints what it came to.

    Args:
        settings: all options.
        picture: where the last result goes as a picture, if anywhere.

    Raises:
        AppError, ModelError: if it cannot begin. Later errors are in the outcome, after all files are closed.
    """
    console = Console(stderr=True, quiet=settings.quiet, emoji=False, markup=False, highlight=False)
    controls = Controls()
    running: list[Session] = []
    with orderly_end(controls.stop, running=lambda: bool(running)):
        line = [ProgressLine(console)] if console.is_terminal and not settings.quiet else []
        session = build.session(
            settings, sys.argv, controls, Announcer(console, verbose=settings.verbose), line, picture
        )
        running.append(session)
        outcome = play(session)
    console.print(headline(outcome.summary), soft_wrap=True)
    span = (settings.adapt_batch - 1) * settings.adapt_stride + 1
    if settings.method != NOT_ADAPTING and outcome.summary["frames"] < span:
        console.print(f"nothing learned: too few frames for a window of --adapt-batch {settings.adapt_batch}")
    if outcome.summary["by_corruption"]:
        console.print(table(outcome.summary))
    if settings.json:
        to_stdout(json.dumps(outcome.summary, allow_nan=False))
    return outcome


class Announcer:
    """Tells people of the events that concern them, and with `verbose` of all."""

    def __init__(self, console: Console, *, verbose: bool) -> None:
        self._console, self._verbose = console, verbose

    def __call__(self, kind: str, **facts: Any) -> None:
        """Hears of an event."""
        words = {
            "headless": "no window: {why}",
            "snapshot": "saved {path}",
            "method-unavailable": "{name}: {why}",
            "missing": "{why}",
            "lost": "{name} was lost after {frames} frames: {why}; it is opened again as soon as it can be",
            "guard": "guard: learning does harm since update {updates} ({reasons}); --guard rollback takes it back",
            "rollback": "guard: what did harm was taken back ({reasons}); {updates} updates stay",
            "web": "the run in a browser: {url}",
            "web-mistake": "web view: a mistake of ours: {why}",
            "reconnect": "{name} is back after {after_s:.1f} s",
        }.get(kind)
        if words is not None:
            self._console.print(words.format(**facts), soft_wrap=True)
        elif self._verbose:
            told = " ".join(f"{name}={value}" for name, value in facts.items())
            self._console.print(f"{kind}: {told}", soft_wrap=True)
