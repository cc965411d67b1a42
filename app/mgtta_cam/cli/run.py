"""A session on the terminal: words for people to stderr, data to stdout."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from mgtta_cam import assembly
from mgtta_cam.assembly.sinks import progress_line
from mgtta_cam.cli.exit import SIGNALED, orderly_end
from mgtta_cam.config.settings import NOT_ADAPTING, Settings
from mgtta_cam.events import EventHandler
from mgtta_cam.metrics.summary import headline, table, together
from mgtta_cam.outputs import to_stdout
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.session import Outcome, Session, play_all
from mgtta_cam.types import Sink


def watch(settings: Settings, picture: Path | None = None) -> Outcome:
    """Runs a session as the settings say and prints what it came to.

    Args:
        settings: all options.
        picture: where the last result goes as a picture, if anywhere.

    Raises:
        AppError, ModelError: if it cannot begin. Later errors are in the outcome, after all files are closed.
    """
    console = people(settings)

    def make(controls: Controls, emit: EventHandler, extra: Sequence[Sink]) -> Session:
        return assembly.session(settings, sys.argv, controls, emit, extra, picture)

    outcome = conduct(settings, console, make)
    print_outcome(outcome, settings, console)
    if settings.json:
        to_stdout(json.dumps(outcome.summary, allow_nan=False))
    return outcome


def print_outcome(outcome: Outcome, settings: Settings, console: Console, name: str = "") -> None:
    """Says what a run came to; `name` says whose words these are."""
    console.print(name + headline(outcome.summary), soft_wrap=True)
    span = (settings.adapt_batch - 1) * settings.adapt_stride + 1
    if settings.method != NOT_ADAPTING and outcome.summary["frames"] < span:
        console.print(f"{name}nothing learned: too few frames for a window of --adapt-batch {settings.adapt_batch}")
    if outcome.summary["by_corruption"]:
        console.print(table(outcome.summary))


def watch_all(settings: Sequence[Settings]) -> Outcome:
    """Runs several streams beside each other on one model, and prints what each came to.

    Args:
        settings: of each; outputs of their own get their numbers.

    Returns:
        The first that did not end well, or else the first, with the summary of all.

    Raises:
        AppError, ModelError: if one of them cannot begin.
    """
    settings = [assembly.own(one, number) for number, one in enumerate(settings, start=1)]
    first, console = settings[0], people(settings[0])
    outcomes = conduct_all(first, console, len(settings), partial(assembly.sessions, settings, sys.argv))
    facts = together([outcome.summary for outcome in outcomes])
    for number, (outcome, own) in enumerate(zip(outcomes, settings, strict=True), start=1):
        print_outcome(outcome, own, console, name=f"stream {number}: ")
        if outcome.error is not None and outcome.exit_code:
            console.print(f"stream {number}: {outcome.error}", soft_wrap=True)
    console.print(f"{len(outcomes)} streams: {facts['frames']} frames, {facts['fps']:.1f} fps in all", soft_wrap=True)
    if first.json:
        to_stdout(json.dumps(facts, allow_nan=False))
    worst = next((outcome for outcome in outcomes if outcome.exit_code), outcomes[0])
    return replace(worst, summary=facts)


def people(settings: Settings) -> Console:
    """Where words for people go."""
    return Console(stderr=True, quiet=settings.quiet, emoji=False, markup=False, highlight=False)


def conduct(
    settings: Settings,
    console: Console,
    make: Callable[[Controls, Callable[..., None], Sequence[Sink]], Session],
) -> Outcome:
    """Makes a session and plays it, with a line of progress where there is a terminal; signals end it in order.

    Args:
        settings: what is said, and to whom.
        console: for people.
        make: the session, from where keys go, what hears of events, and further sinks.
    """

    def make_all(
        controls: Sequence[Controls], emitters: Sequence[EventHandler], extra: Sequence[Sink]
    ) -> list[Session]:
        return [make(controls[0], emitters[0], extra)]

    return conduct_all(settings, console, 1, make_all)[0]


def conduct_all(
    settings: Settings,
    console: Console,
    count: int,
    make: Callable[[Sequence[Controls], Sequence[Callable[..., None]], Sequence[Sink]], list[Session]],
) -> list[Outcome]:
    """The same of several sessions beside each other.

    Args:
        settings: what is said, and to whom.
        console: for people.
        count: how many.
        make: the sessions, from the same of each; the further sinks get the results of all.
    """
    controls = [Controls() for _ in range(count)]
    names = [f"stream {k}: " if count > 1 else "" for k in range(1, count + 1)]
    emitters = [Announcer(console, verbose=settings.verbose, name=name) for name in names]

    def stop(code: int) -> None:
        for one in controls:
            one.stop(code)

    running: list[Session] = []
    with orderly_end(stop, running=lambda: bool(running)):
        line: list[Sink] = []
        if console.is_terminal and not settings.quiet:
            line = [progress_line(console, count)]
        running += make(controls, emitters, line)
        outcomes = play_all(running)
    code = next((outcome.exit_code for outcome in outcomes if outcome.exit_code > SIGNALED), None)
    if code is not None:
        console.print(f"ended by {signal.Signals(code - SIGNALED).name}")
    return outcomes


class Announcer:
    """Tells people of the events that concern them, and with `verbose` of all; `name` says whose they are."""

    def __init__(self, console: Console, *, verbose: bool, name: str = "") -> None:
        self._console, self._verbose, self._name = console, verbose, name

    def __call__(self, kind: str, **facts: Any) -> None:
        """Hears of an event."""
        words = {
            "headless": "no window: {why}",
            "snapshot": "saved {path}",
            "method-unavailable": "{name}: {why}",
            "missing": "{why}",
            "export": "{model} is exported for ONNX Runtime, once: some seconds (--runtime torch does without)",
            "runtime": "torch answers: {why}",
            "lost": "{name} was lost after {frames} frames: {why}; it is opened again as soon as it can be",
            "guard": "guard: learning does harm since update {updates} ({reasons}); --guard rollback takes it back",
            "rollback": "guard: what did harm was taken back ({reasons}); {updates} updates stay",
            "web": "the run in a browser: {url}",
            "web-mistake": "web view: a mistake of ours: {why}",
            "reconnect": "{name} is back after {after_s:.1f} s",
            "other": "not as it was: {why}",
        }.get(kind)
        if words is not None:
            self._console.print(self._name + words.format(**facts), soft_wrap=True)
        elif self._verbose:
            told = " ".join(f"{name}={value}" for name, value in facts.items())
            self._console.print(f"{self._name}{kind}: {told}", soft_wrap=True)
