"""A run on the terminal: assemble, play, summarize."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from mgtta_cam.assembly.multi_stream import assemble_all, own_settings
from mgtta_cam.assembly.session import Outputs, assemble
from mgtta_cam.cli.exit import orderly_end
from mgtta_cam.cli.terminal import Announcer, console_of, play, progress_of
from mgtta_cam.config.settings import NOT_ADAPTING, Settings
from mgtta_cam.metrics.summary import headline, table, together
from mgtta_cam.outputs import to_stdout
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.session import Outcome


def run_stream(settings: Settings, picture: Path | None = None) -> Outcome:
    """Runs one stream and prints its summary.

    Args:
        settings: all options.
        picture: file for a picture of the last result, if any.

    Raises:
        AppError, ModelError: if it cannot start. Later errors are in the outcome, after all files are closed.
    """
    console = console_of(settings)
    with orderly_end() as signals:
        outputs = Outputs(sys.argv, progress_of(console, settings), picture)
        session = assemble(settings, Controls(), Announcer(console, verbose=settings.verbose), outputs)
        [outcome] = play([session], signals, console)
    print_outcome(outcome, settings, console)
    if settings.json:
        to_stdout(json.dumps(outcome.summary, allow_nan=False))
    return outcome


def run_streams(settings: Sequence[Settings]) -> Outcome:
    """Runs several streams at once on one model, and prints the summary of each.

    Args:
        settings: one for each stream; names of its output files get its number.

    Returns:
        The first outcome with an error, or else the first, with the summary of all streams.

    Raises:
        AppError, ModelError: if one of them cannot start.
    """
    settings = [own_settings(one, number) for number, one in enumerate(settings, start=1)]
    first, count = settings[0], len(settings)
    console = console_of(first)
    names = [f"stream {number}: " for number in range(1, count + 1)]
    emitters = [Announcer(console, verbose=first.verbose, name=name) for name in names]
    with orderly_end() as signals:
        controls = [Controls() for _ in settings]
        sessions = assemble_all(settings, sys.argv, controls, emitters, progress_of(console, first, count))
        outcomes = play(sessions, signals, console)
    facts = together([outcome.summary for outcome in outcomes])
    for name, outcome, own in zip(names, outcomes, settings, strict=True):
        print_outcome(outcome, own, console, name)
        if outcome.error is not None and outcome.exit_code:
            console.print(f"{name}{outcome.error}", soft_wrap=True)
    console.print(f"{count} streams: {facts['frames']} frames, {facts['fps']:.1f} fps in total", soft_wrap=True)
    if first.json:
        to_stdout(json.dumps(facts, allow_nan=False))
    worst = next((outcome for outcome in outcomes if outcome.exit_code), outcomes[0])
    return replace(worst, summary=facts)


def print_outcome(outcome: Outcome, settings: Settings, console: Console, name: str = "") -> None:
    """Prints the summary of a run, prefixed by the name of its stream."""
    console.print(name + headline(outcome.summary), soft_wrap=True)
    span = (settings.adapt_batch - 1) * settings.adapt_stride + 1
    if settings.method != NOT_ADAPTING and outcome.summary["frames"] < span:
        console.print(f"{name}no update: too few frames for a window of --adapt-batch {settings.adapt_batch}")
    if outcome.summary["by_corruption"]:
        console.print(table(outcome.summary))
