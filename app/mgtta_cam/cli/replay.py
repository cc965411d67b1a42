"""The sub-command `replay`: parse and run; no logic. Imports that only a replay needs happen when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mgtta_cam.cli.options import takes_settings
from mgtta_cam.errors import ReplayError, UsageError

OPTIONS = (
    *("source", "weights", "labels", "mgg", "stats", "frost_dir", "device", "threads"),
    *("show", "save", "web", "json", "overwrite", "quiet", "verbose"),
)  # settings that a replay accepts: where files are now, and its own outputs
FOLDER = Path("mgtta-cam-replay")


@takes_settings(OPTIONS)
def replay(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="Log written by --log, .jsonl or .jsonl.gz.")],
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Stop at the first difference (exit code 9).", show_default=False),
    ] = False,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            metavar="NUMBER",
            help="Accept differences up to this much, relative for large numbers, as between machines or versions; by "
            "default, numbers must be identical.",
        ),
    ] = None,
    recording: Annotated[
        Path | None, typer.Option(metavar="PATH", help="File that the run's --record-input wrote, if it has moved.")
    ] = None,
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            "--what-if",
            metavar="OPTION=VALUE,...",
            help="Also run the same frames with other adaptation options: method=tent,lr=1e-3; can be repeated.",
        ),
    ] = None,
    expect_accuracy: Annotated[
        str | None,
        typer.Option(
            metavar="BOUND", help='End with exit code 9 unless the accuracy meets this bound: ">=0.8" or ">=80%".'
        ),
    ] = None,
    expect_no_event: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="End with exit code 9 if an event of this kind occurs: guard, reconnect, ...; can be repeated.",
        ),
    ] = None,
    state: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Copy of the run's --state file from before the run.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the chart of --what-if.")] = FOLDER,
    **flags: Any,
) -> None:
    """Replays a log: the same frames, updates and predictions, or with --what-if, other settings on the same frames."""
    from mgtta_cam.cli.rerun import compare, once, pictured
    from mgtta_cam.cli.terminal import console_of
    from mgtta_cam.replay.expectations import Expectations
    from mgtta_cam.replay.settings import of_log, otherwise
    from mgtta_cam.replay.tape import scan
    from mgtta_models.errors import needs

    if what_if and (verify or tolerance is not None or state is not None):
        raise UsageError(
            "--what-if runs other settings from the source model, so there is nothing to compare: remove --verify, "
            "--tolerance and --state"
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
