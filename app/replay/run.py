"""A replay from first to last: run, compared, printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from app.build.replay import Check, replay, what_if
from app.controls import Controls
from app.ending import end
from app.replay.course import Course, recorded
from app.replay.expectations import ALARMS, Expectations
from app.replay.picture import draw
from app.replay.picture import table as beside
from app.replay.tape import Tape
from app.replay.verify import Comparison
from app.session import Session
from app.settings import Settings
from app.summary import headline, table
from app.types import Sink
from app.watch import conduct
from app.writing import folder_for_outputs, to_stdout, writable


def once(
    tape: Tape,
    settings: Settings,
    recording: Path | None,
    check: tuple[float | None, bool],
    expected: Expectations,
    console: Console,
) -> list[str]:
    """Runs a log again as it says, and prints what that came to; returns what was expected and is not so."""
    alarms = Course("replay")
    made: list[Comparison] = []

    def make(controls: Controls, tell: Callable[..., None], extra: Sequence[Sink]) -> Session:
        session, comparison = replay(tape, settings, recording, Check(*check), controls, both(tell, alarms.tell), extra)
        made.append(comparison)
        return session

    outcome = conduct(settings, console, make)
    [comparison] = made
    whole = outcome.exit_code == 0 and comparison.frames == tape.frames
    equal = comparison.first is None and tape.damage is None and whole
    facts = {
        "equal": equal,
        "frames_compared": comparison.frames,
        "updates_compared": comparison.updates,
        "other_inputs": comparison.other_inputs,
        "difference": None if comparison.first is None else comparison.first._asdict(),
        "damage": tape.damage,
    }
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
    """What the comparison came to, in a sentence."""
    what = f"{comparison.frames} of {tape.frames} frames and {comparison.updates} of {tape.updates} updates"
    if comparison.first is not None:
        return f"differs from the log first at {comparison.first.words}"
    if tape.damage is not None:
        return f"{what} are as in the log, but {tape.damage}"
    if tolerance is None:
        return f"{what} are equal to the log to the bit" if equal else f"{what} are equal; the rest was not looked at"
    inputs = f"; {comparison.other_inputs} inputs differ in some bit" if comparison.other_inputs else ""
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
    """Runs the frames of a log under other settings, each from its start; prints and draws all runs beside its own."""
    courses: list[Course] = recorded(tape)
    broken: list[str] = []
    for text, chosen in choices:
        course = Course(text)
        console.print(f"what if {text}", soft_wrap=True)

        def make(
            controls: Controls,
            tell: Callable[..., None],
            extra: Sequence[Sink],
            chosen: Settings = chosen,
            course: Course = course,
        ) -> Session:
            heard = both(tell, course.tell)
            return what_if(tape, chosen, recording, controls, heard, [course, *extra])

        outcome = conduct(settings, console, make)
        if outcome.exit_code:
            end(outcome)
        courses.append(course)
        broken += expected.broken(text, outcome.summary["accuracy"]["adapted"], happened(tape, course))
    rows = [course.row() for course in courses]
    console.print(beside(rows))
    draw(courses, tape.bands(), picture)
    console.print(f"picture: {picture}", soft_wrap=True)
    if settings.json:
        to_stdout(json.dumps({"log": str(tape.path), "rows": rows}, allow_nan=False))
    return broken


def happened(tape: Tape, course: Course) -> dict[str, int]:
    """Events of a run over these frames: those of the stream from the log, the guard's from the run."""
    return {**tape.events, **{kind: course.events[kind] for kind in ALARMS}}


def pictured(folder: Path, *, overwrite: bool) -> Path:
    """Where the picture goes; its folder is made.

    Raises:
        OutputError: if it cannot be written.
    """
    return writable(folder_for_outputs(folder) / "what-if.png", overwrite=overwrite)


def both(tell: Callable[..., None], hear: Callable[..., None]) -> Callable[..., None]:
    """Tells two of an event."""

    def told(kind: str, **facts: Any) -> None:
        tell(kind, **facts)
        hear(kind, **facts)

    return told
