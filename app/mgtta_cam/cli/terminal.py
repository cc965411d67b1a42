"""What a run prints on the terminal: events and progress to stderr, data to stdout."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from mgtta_cam.assembly.sinks import progress_line
from mgtta_cam.cli.exit import SIGNALED, Signals
from mgtta_cam.config.settings import Settings
from mgtta_cam.stream.session import Outcome, Session, play_all
from mgtta_cam.types import Sink

EVENTS = {  # kinds of events that are always printed, and their messages
    "headless": "no window: {why}",
    "snapshot": "saved {path}",
    "method-unavailable": "{name}: {why}",
    "missing": "{why}",
    "export": "exporting {model} for ONNX Runtime, once, which takes some seconds (--runtime torch needs no export)",
    "runtime": "predicting with torch: {why}",
    "lost": "{name} was lost after {frames} frames: {why}; reconnecting",
    "guard": "guard: updates have been making the model worse since update {updates} ({reasons}); --guard rollback "
    "would undo them",
    "rollback": "guard: undid updates that made the model worse ({reasons}); {updates} updates remain",
    "web": "web view: {url}",
    "web-mistake": "web view: internal error: {why}",
    "reconnect": "{name} is back after {after_s:.1f} s",
    "other": "differs from the recorded run: {why}",
}


def console_of(settings: Settings) -> Console:
    """Returns the console for messages, stderr."""
    return Console(stderr=True, quiet=settings.quiet, emoji=False, markup=False, highlight=False)


class Announcer:
    """Prints the events that every user needs; with `verbose`, all events.

    Args:
        console: for people.
        verbose: print every event.
        name: prefix that names the stream, if there are several.
    """

    def __init__(self, console: Console, *, verbose: bool, name: str = "") -> None:
        self._console, self._verbose, self._name = console, verbose, name

    def __call__(self, kind: str, /, **facts: Any) -> None:
        """Takes an event."""
        words = EVENTS.get(kind)
        if words is not None:
            self._console.print(self._name + words.format(**facts), soft_wrap=True)
        elif self._verbose:
            listed = " ".join(f"{name}={value}" for name, value in facts.items())
            self._console.print(f"{self._name}{kind}: {listed}", soft_wrap=True)


def progress_of(console: Console, settings: Settings, streams: int = 1) -> list[Sink]:
    """Returns a sink that shows progress in one line, if stderr is a terminal."""
    return [progress_line(console, streams)] if console.is_terminal and not settings.quiet else []


def play(sessions: Sequence[Session], signals: Signals, console: Console) -> list[Outcome]:
    """Runs sessions at once to their ends; a signal ends them in good order."""
    signals.running = [session.controls for session in sessions]
    outcomes = play_all(sessions)
    code = next((outcome.exit_code for outcome in outcomes if outcome.exit_code > SIGNALED), None)
    if code is not None:
        console.print(f"ended by {signal.Signals(code - SIGNALED).name}")
    return outcomes
