"""Replays a log, or its frames with other settings, and prints the results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from mgtta_cam.assembly.replay import Check, assemble_replay, assemble_what_if
from mgtta_cam.cli.exit import end, orderly_end
from mgtta_cam.cli.terminal import Announcer, play, progress_of
from mgtta_cam.config.settings import Settings
from mgtta_cam.events import EventBus
from mgtta_cam.metrics.summary import headline, table
from mgtta_cam.outputs import folder_for_outputs, to_stdout, writable
from mgtta_cam.replay.chart import draw
from mgtta_cam.replay.chart import table as comparison_table
from mgtta_cam.replay.expectations import ALARMS, Expectations
from mgtta_cam.replay.run_curve import RunCurve, recorded_curves
from mgtta_cam.replay.tape import Tape
from mgtta_cam.replay.verify import Comparison, verdict_of


def once(
    tape: Tape,
    settings: Settings,
    recording: Path | None,
    check: tuple[float | None, bool],
    expected: Expectations,
    console: Console,
) -> list[str]:
    """Replays a log with its own settings and prints the results; returns the expectations that are not met."""
    alarms = RunCurve("replay")
    with orderly_end() as signals:
        session, comparison = assemble_replay(
            tape,
            settings,
            recording,
            Check(*check),
            emit=EventBus(Announcer(console, verbose=settings.verbose), alarms.emit),
            sinks=progress_of(console, settings),
        )
        [outcome] = play([session], signals, console)
    facts = verdict_of(tape, comparison)
    equal = outcome.exit_code == 0 and facts["equal"]
    facts["equal"] = equal
    console.print(headline(outcome.summary), soft_wrap=True)
    if outcome.summary["by_corruption"]:
        console.print(table(outcome.summary))
    console.print(verdict(tape, comparison, equal=equal, tolerance=check[0]), soft_wrap=True)
    if settings.json:
        to_stdout(json.dumps({**outcome.summary, "replay": facts}, allow_nan=False))
    if outcome.exit_code:
        end(outcome)
    broken = list(expected.broken("replay", outcome.summary["accuracy"]["adapted"], happened(tape, alarms)))
    return [*([tape.damage] if tape.damage and check[1] else []), *broken]


def verdict(tape: Tape, comparison: Comparison, *, equal: bool, tolerance: float | None) -> str:
    """Returns the result of the comparison, in a sentence."""
    what = f"{comparison.frames} of {tape.frames} frames and {comparison.updates} of {tape.updates} updates"
    if comparison.first is not None:
        return f"the first difference from the log is at {comparison.first.words}"
    if tape.damage is not None:
        return f"{what} match the log, but {tape.damage}"
    if tolerance is None:
        return (
            f"{what} are identical to the log, bit for bit"
            if equal
            else f"{what} are identical; the rest was not checked"
        )
    inputs = f"; {comparison.other_inputs} inputs differ in at least one bit" if comparison.other_inputs else ""
    return f"{what} are equal to the log within {tolerance:g}{inputs}"


def compare(
    tape: Tape,
    choices: Sequence[tuple[str, Settings]],
    recording: Path | None,
    expected: Expectations,
    picture: Path,
    console: Console,
    settings: Settings,
) -> list[str]:
    """Runs the frames of a log with other settings; prints and draws these runs next to the log's own."""
    curves: list[RunCurve] = recorded_curves(tape)
    broken: list[str] = []
    for text, chosen in choices:
        curve = RunCurve(text)
        console.print(f"what if {text}", soft_wrap=True)

        with orderly_end() as signals:
            events = EventBus(Announcer(console, verbose=chosen.verbose), curve.emit)
            sinks = [curve, *progress_of(console, settings)]
            session = assemble_what_if(tape, chosen, recording, emit=events, sinks=sinks)
            [outcome] = play([session], signals, console)
        if outcome.exit_code:
            end(outcome)
        curves.append(curve)
        broken += expected.broken(text, outcome.summary["accuracy"]["adapted"], happened(tape, curve))
    rows = [curve.row() for curve in curves]
    console.print(comparison_table(rows))
    draw(curves, tape.bands(), picture)
    console.print(f"picture: {picture}", soft_wrap=True)
    if settings.json:
        to_stdout(json.dumps({"log": str(tape.path), "rows": rows}, allow_nan=False))
    return broken


def happened(tape: Tape, curve: RunCurve) -> dict[str, int]:
    """Counts the events of a run over these frames: the stream's from the log, the guard's from the run."""
    return {**tape.events, **{kind: curve.events[kind] for kind in ALARMS}}


def pictured(folder: Path, *, overwrite: bool) -> Path:
    """Returns the path of the chart, and creates its folder.

    Raises:
        OutputError: if it cannot be written.
    """
    return writable(folder_for_outputs(folder) / "what-if.png", overwrite=overwrite)
