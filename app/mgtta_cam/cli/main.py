"""The command line: parse, build, run, print. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from mgtta_cam.cli.bench import bench
from mgtta_cam.cli.check import check_method
from mgtta_cam.cli.exit import complain, end, orderly_end
from mgtta_cam.cli.listing import COMMANDS as CATALOG
from mgtta_cam.cli.options import takes_settings
from mgtta_cam.cli.prepare import export, pretrain, stats
from mgtta_cam.cli.replay import replay
from mgtta_cam.cli.report import report
from mgtta_cam.config import loading
from mgtta_cam.config.demo import FOLDER, OPTIONS
from mgtta_cam.config.settings import flag
from mgtta_cam.errors import AppError, UsageError
from mgtta_cam.redaction import redact
from mgtta_models.errors import ModelError

OWN_THREADS = "mgtta-cam"  # what the names of threads that may be blocked begin with
app = typer.Typer(
    name="mgtta-cam",
    help="Classifies a camera, a video or pictures with a Vision Transformer that adapts while it watches.",
    epilog="Begin with `mgtta-cam demo`, or `mgtta-cam --source video.mp4`. Exit codes: 0 finished, 1 a mistake in "
    "this program, 2 wrong use, 3 the source does not open, 4 it was lost, 5 it is damaged, 6 model or weights, 7 an "
    "output cannot be written, 8 the guard stopped the run, 9 a replay differs, "
    "128 + N after signal N.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings from a TOML file.", rich_help_panel="Output")
]
PrintConfig = Annotated[
    bool,
    typer.Option(
        "--print-config", help="Print the settings as TOML and stop.", rich_help_panel="Output", show_default=False
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Open the source, load the model, check the outputs, say what would run, and stop.",
        rich_help_panel="Output",
        show_default=False,
    ),
]
Version = Annotated[
    bool, typer.Option("--version", help="Print the version and stop.", rich_help_panel="Output", show_default=False)
]


@app.callback(invoke_without_command=True)
@takes_settings(several=("source",))
def run(
    ctx: typer.Context,
    config_file: ConfigFile = None,
    print_config: PrintConfig = False,
    dry_run: DryRun = False,
    version: Version = False,
    **flags: Any,
) -> None:
    """Classifies a camera, a video or pictures with a Vision Transformer that adapts while it watches."""
    if ctx.invoked_subcommand is not None:
        given = [flag(name) for name, value in {**flags, "config": config_file}.items() if value not in (None, [])]
        if given:
            raise UsageError(f"{given[0]} stands before `{ctx.invoked_subcommand}`: write a command's options after it")
        return
    if version:
        from mgtta_cam.log.provenance import package_version

        print(f"mgtta-cam {package_version('mgtta-cam')}")
        return
    settings, *others = loading.load_each(flags, environment=os.environ, file=config_file)
    if print_config:
        print(loading.to_toml(settings, *others), end="")
        return
    from mgtta_cam.cli.dry_run import rehearse, rehearse_all
    from mgtta_cam.cli.run import run_stream, run_streams

    if dry_run:
        rehearse_all([settings, *others]) if others else rehearse(settings)
        return
    end(run_streams([settings, *others]) if others else run_stream(settings))


@app.command()
@takes_settings(OPTIONS)
def demo(out: Annotated[Path, typer.Option(help="Folder for video and picture.")] = FOLDER, **flags: Any) -> None:
    """Shows it at work: the embedded model on the embedded clip, frozen beside adapted, while the weather changes."""
    from mgtta_cam.config.demo import settings

    chosen = settings(flags, out)
    from mgtta_cam.cli.run import run_stream

    outcome = run_stream(chosen, picture=out / "demo.png")
    complain(f"video and picture: {out}{os.sep}")
    end(outcome)


for command in (replay, report, stats, pretrain, bench, export, check_method, *CATALOG):
    app.command()(command)


def main() -> None:
    """The program `mgtta-cam`: ends with the exit codes of the interface, and never with a traceback for bad input."""
    quiet_opencv(os.environ)
    be_patient(os.environ)
    code = 1
    try:
        with orderly_end():
            command = typer.main.get_command(app)
            code = command.main(completed(sys.argv[1:]), prog_name="mgtta-cam", standalone_mode=False) or 0
    except (AppError, ModelError) as error:
        complain(str(error))
        code = error.exit_code
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BrokenPipeError:
        code = 0
    except Exception as error:
        explain = getattr(error, "format_message", None)  # typer's own errors: options it does not know, and the like
        if explain is not None:
            complain(f"{explain().rstrip('.')}; see `mgtta-cam --help`")
            code = 2
        else:
            complain(f"internal error: {type(error).__name__}: {error}; run again with -v for the traceback")
            if {"-v", "--verbose"} & set(sys.argv):
                print(redact(traceback.format_exc()), end="", file=sys.stderr)
    leave(code)


def completed(words: Sequence[str]) -> list[str]:
    """The command line, where `--ray` alone is `--ray local`."""
    whole: list[str] = []
    for i, word in enumerate(words):
        whole.append(word)
        if word == "--ray" and (i + 1 == len(words) or words[i + 1].startswith("-")):
            whole.append("local")
    return whole


def quiet_opencv(environment: MutableMapping[str, str]) -> None:
    """OpenCV and FFmpeg print what we say better; they look only when they are imported."""
    environment.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    environment.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


def be_patient(environment: MutableMapping[str, str]) -> None:
    """Threads of one computation wait for each other awake for a moment, then asleep.

    Awake for long, as GNU OpenMP does by default, they keep a busy processor from those that they wait for: on two
    such cores an answer took 1,439 ms, with this 18; on idle ones 5.9 instead of 5.4. Read when torch is imported.
    """
    environment.setdefault("GOMP_SPINCOUNT", "3000")


def leave(code: int) -> None:
    """Ends the process. A thread that is blocked in a camera's driver must not hold it up or bring it down."""
    sys.stdout.flush()
    sys.stderr.flush()
    if any(thread.name.startswith(OWN_THREADS) for thread in threading.enumerate()):
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
