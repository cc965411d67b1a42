"""The sub-command `replay`: parse and run; no logic."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from mgtta_cam.cli.exit import end
from mgtta_cam.cli.options import takes_settings
from mgtta_cam.config.settings import Settings
from mgtta_cam.errors import ReplayError, UsageError
from mgtta_cam.outputs import folder_for_outputs, to_stdout, writable

if TYPE_CHECKING:  # each command's help is made from these files: what only a replay needs is imported by it
    from mgtta_cam.events import EventHandler
    from mgtta_cam.replay.course import Course
    from mgtta_cam.replay.expectations import Expectations
    from mgtta_cam.replay.tape import Tape
    from mgtta_cam.replay.verify import Comparison
    from mgtta_cam.stream.controls import Controls
    from mgtta_cam.stream.session import Session
    from mgtta_cam.types import Sink

OPTIONS = (
    *("source", "weights", "labels", "mgg", "stats", "frost_dir", "device", "threads"),
    *("show", "save", "web", "json", "overwrite", "quiet", "verbose"),
)  # of the settings: where things lie now, and outputs of the replay's own
FOLDER = Path("mgtta-cam-replay")


@takes_settings(OPTIONS)
def replay(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="A file that --log wrote, .jsonl or .jsonl.gz.")],
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Stop at the first thing that differs (exit code 9).", show_default=False),
    ] = False,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            metavar="NUMBER",
            help="Let numbers differ by so much, large ones in proportion: for other machines and versions.",
        ),
    ] = None,
    recording: Annotated[
        Path | None, typer.Option(metavar="PATH", help="The --record-input of the run, if it lies elsewhere now.")
    ] = None,
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            "--what-if",
            metavar="OPTION=VALUE,...",
            help="Run the same frames under other adaptation options too: method=tent,lr=1e-3. Can be repeated.",
        ),
    ] = None,
    expect_accuracy: Annotated[
        str | None, typer.Option(metavar="BOUND", help='Exit code 9 unless it holds: ">=0.8" or ">=80%".')
    ] = None,
    expect_no_event: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Exit code 9 if there is one: guard, reconnect, ...")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A copy of what the run's --state held before it.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the picture of --what-if.")] = FOLDER,
    **flags: Any,
) -> None:
    """Runs a log again: the same frames, updates and answers. With --what-if, the same frames under other settings."""
    from mgtta_cam.cli.run import people
    from mgtta_cam.replay.expectations import Expectations
    from mgtta_cam.replay.settings import of_log, otherwise
    from mgtta_cam.replay.tape import scan

    if what_if and (verify or tolerance is not None or state is not None):
        raise UsageError(
            "--what-if runs from the source model under other settings: there is nothing for --verify, --tolerance or "
            "--state to be compared with; leave them away"
        )
    expected = Expectations(expect_accuracy, tuple(expect_no_event or ()))
    tape = scan(log)
    settings = of_log(tape, {**flags, "state": state})
    console = people(settings)
    if what_if:
        choices = [(text, otherwise(tape, flags, text)) for text in what_if]
        picture = pictured(out, overwrite=settings.overwrite)
        broken = compare(tape, choices, recording, expected, picture, console, settings)
    else:
        broken = once(tape, settings, recording, (tolerance, verify), expected, console)
    if broken:
        raise ReplayError("; ".join(broken))


def once(
    tape: Tape,
    settings: Settings,
    recording: Path | None,
    check: tuple[float | None, bool],
    expected: Expectations,
    console: Console,
) -> list[str]:
    """Runs a log again as it says, and prints what that came to; returns what was expected and is not so."""
    from mgtta_cam.assembly import replay as assemble
    from mgtta_cam.cli.run import conduct
    from mgtta_cam.metrics.summary import headline, table
    from mgtta_cam.replay.course import Course

    alarms = Course("replay")
    made: list[Comparison] = []

    def make(controls: Controls, emit: EventHandler, extra: Sequence[Sink]) -> Session:
        session, comparison = assemble.replay(
            tape, settings, recording, assemble.Check(*check), controls, both(emit, alarms.emit), extra
        )
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
    from mgtta_cam.assembly import replay as assemble
    from mgtta_cam.cli.run import conduct
    from mgtta_cam.replay.chart import draw
    from mgtta_cam.replay.chart import table as beside
    from mgtta_cam.replay.course import Course, recorded

    courses: list[Course] = recorded(tape)
    broken: list[str] = []
    for text, chosen in choices:
        course = Course(text)
        console.print(f"what if {text}", soft_wrap=True)

        def make(
            controls: Controls,
            emit: EventHandler,
            extra: Sequence[Sink],
            chosen: Settings = chosen,
            course: Course = course,
        ) -> Session:
            heard = both(emit, course.emit)
            return assemble.what_if(tape, chosen, recording, controls, heard, [course, *extra])

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
    from mgtta_cam.replay.expectations import ALARMS

    return {**tape.events, **{kind: course.events[kind] for kind in ALARMS}}


def pictured(folder: Path, *, overwrite: bool) -> Path:
    """Where the picture goes; its folder is made.

    Raises:
        OutputError: if it cannot be written.
    """
    return writable(folder_for_outputs(folder) / "what-if.png", overwrite=overwrite)


def both(emit: EventHandler, hear: Callable[..., None]) -> Callable[..., None]:
    """Tells two of an event."""

    def told(kind: str, **facts: Any) -> None:
        emit(kind, **facts)
        hear(kind, **facts)

    return told
