"""The sub-command `replay`: parse and run; no logic. What only a replay needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mgtta_cam.cli.options import takes_settings
from mgtta_cam.errors import ReplayError, UsageError

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
    from mgtta_cam.cli.rerun import compare, once, pictured
    from mgtta_cam.cli.terminal import console_of
    from mgtta_cam.replay.expectations import Expectations
    from mgtta_cam.replay.settings import of_log, otherwise
    from mgtta_cam.replay.tape import scan
    from mgtta_models.errors import needs

    if what_if and (verify or tolerance is not None or state is not None):
        raise UsageError(
            "--what-if runs from the source model under other settings: there is nothing for --verify, --tolerance or "
            "--state to be compared with; leave them away"
        )
    expected = Expectations(expect_accuracy, tuple(expect_no_event or ()))
    tape = scan(log)
    settings = of_log(tape, {**flags, "state": state})
    console = console_of(settings)
    if what_if:
        needs("matplotlib", "replay --what-if", extra="report")
        choices = [(text, otherwise(tape, flags, text)) for text in what_if]
        picture = pictured(out, overwrite=settings.overwrite)
        broken = compare(tape, choices, recording, expected, picture, console, settings)
    else:
        broken = once(tape, settings, recording, (tolerance, verify), expected, console)
    if broken:
        raise ReplayError("; ".join(broken))
