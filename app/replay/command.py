"""The sub-command `replay`: parse, build, run, print; no logic."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.ending import end
from app.errors import OutputError, ReplayError
from app.options import takes_settings
from app.settings import Settings
from app.writing import to_stdout, writable

if TYPE_CHECKING:
    from rich.console import Console

    from app.controls import Controls
    from app.replay.course import Course
    from app.replay.expectations import Expectations
    from app.replay.tape import Tape
    from app.session import Session
    from app.types import Sink

OPTIONS = (
    *("source", "weights", "labels", "mgg", "stats", "state", "frost_dir", "device", "threads"),
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
    out: Annotated[Path, typer.Option(help="Folder for the picture of --what-if.")] = FOLDER,
    **flags: Any,
) -> None:
    """Runs a log again: the same frames, lessons and answers. With --what-if, the same frames under other settings."""
    from app.replay.expectations import Expectations
    from app.replay.settings import of_log, otherwise
    from app.replay.tape import scan
    from app.watch import people

    expected = Expectations(expect_accuracy, tuple(expect_no_event or ()))
    tape = scan(log)
    settings = of_log(tape, flags)
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
    from app.build.replay import Check, replay
    from app.replay.course import Course
    from app.replay.verify import Comparison
    from app.summary import headline, table
    from app.watch import conduct

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
    events = {**tape.events, **{kind: alarms.events[kind] for kind in ("guard", "rollback")}}
    broken = list(expected.broken("replay", outcome.summary["accuracy"]["adapted"], events))
    return [*([tape.damage] if tape.damage and check[1] else []), *broken]


def verdict(tape: Tape, comparison: Any, *, equal: bool, tolerance: float | None) -> str:
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
    from app.build.replay import what_if
    from app.replay.course import Course, recorded
    from app.replay.picture import draw, table
    from app.watch import conduct

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
        broken += expected.broken(text, outcome.summary["accuracy"]["adapted"], {**tape.events, **course.events})
    rows = [course.row() for course in courses]
    console.print(table(rows))
    draw(courses, tape.bands(), picture)
    console.print(f"picture: {picture}", soft_wrap=True)
    if settings.json:
        to_stdout(json.dumps({"log": str(tape.path), "rows": rows}, allow_nan=False))
    return broken


def pictured(folder: Path, *, overwrite: bool) -> Path:
    """Where the picture goes; its folder is made.

    Raises:
        OutputError: if it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"--out {folder} cannot be made: {error.strerror}") from None
    return writable(folder / "what-if.png", overwrite=overwrite)


def both(tell: Callable[..., None], hear: Callable[..., None]) -> Callable[..., None]:
    """Tells two of an event."""

    def told(kind: str, **facts: Any) -> None:
        tell(kind, **facts)
        hear(kind, **facts)

    return told
