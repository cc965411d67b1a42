"""The command line: parse, assemble, run, print. Nothing heavy is imported before a command needs it."""

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

OWN_THREADS = "mgtta-cam"  # prefix of the names of threads that may be blocked
app = typer.Typer(
    name="mgtta-cam",
    help="Classifies a camera, a video or pictures with a Vision Transformer that adapts while it watches.",
    epilog="Start with `mgtta-cam demo` or `mgtta-cam --source video.mp4`. Exit codes: 0 finished, 1 internal error, 2 "
    "wrong use or configuration, 3 source cannot be opened, 4 source lost, 5 source damaged, 6 model, weights or "
    "device, 7 output cannot be written, 8 guard stopped the run, 9 replay differs, 128 + N ended by signal N.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Read settings from a TOML file.", rich_help_panel="Output")
]
PrintConfig = Annotated[
    bool,
    typer.Option(
        "--print-config", help="Print the settings as TOML and exit.", rich_help_panel="Output", show_default=False
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Open the source, load the model, check the outputs, print what would run, and exit.",
        rich_help_panel="Output",
        show_default=False,
    ),
]
Version = Annotated[
    bool, typer.Option("--version", help="Print the version and exit.", rich_help_panel="Output", show_default=False)
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
            raise UsageError(
                f"{given[0]} comes before `{ctx.invoked_subcommand}`: put a command's options after its name"
            )
        return
    if version:
        from mgtta_cam.log.provenance import package_version

        print(f"mgtta-cam {package_version('mgtta-cam')}")
        return
    settings, *others = loading.load_each(flags, environment=os.environ, file=config_file)
    if print_config:
        print(loading.to_toml(settings, *others), end="")
        return
    from mgtta_cam.cli.dry_run import dry_run_all, dry_run_one
    from mgtta_cam.cli.run import run_stream, run_streams

    if dry_run:
        dry_run_all([settings, *others]) if others else dry_run_one(settings)
        return
    end(run_streams([settings, *others]) if others else run_stream(settings))


@app.command()
@takes_settings(OPTIONS)
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the video and the picture.")] = FOLDER, **flags: Any
) -> None:
    """Runs the embedded model on the embedded clip, frozen next to adapted, while the weather changes."""
    from mgtta_cam.config.demo import settings

    chosen = settings(flags, out)
    from mgtta_cam.cli.run import run_stream

    outcome = run_stream(chosen, picture=out / "demo.png")
    complain(f"video and picture: {out}{os.sep}")
    end(outcome)


for command in (replay, report, stats, pretrain, bench, export, check_method, *CATALOG):
    app.command()(command)


def main() -> None:
    """Runs the program `mgtta-cam`. Bad input ends it with a documented exit code, never with a traceback."""
    quiet_opencv(os.environ)
    limit_spinning(os.environ)
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
        explain = getattr(error, "format_message", None)  # typer's own errors, such as unknown options
        if explain is not None:
            complain(f"{explain().rstrip('.')}; see `mgtta-cam --help`")
            code = 2
        else:
            complain(f"internal error: {type(error).__name__}: {error}; run again with -v for the traceback")
            if {"-v", "--verbose"} & set(sys.argv):
                print(redact(traceback.format_exc()), end="", file=sys.stderr)
    leave(code)


def completed(words: Sequence[str]) -> list[str]:
    """Completes the command line: `--ray` alone means `--ray local`."""
    whole: list[str] = []
    for i, word in enumerate(words):
        whole.append(word)
        if word == "--ray" and (i + 1 == len(words) or words[i + 1].startswith("-")):
            whole.append("local")
    return whole


def quiet_opencv(environment: MutableMapping[str, str]) -> None:
    """Silences OpenCV and FFmpeg, whose errors the program reports itself; both read this only when imported."""
    environment.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    environment.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


def limit_spinning(environment: MutableMapping[str, str]) -> None:
    """Makes OpenMP threads that wait for each other spin only briefly before they sleep.

    GNU OpenMP spins for long by default, which keeps a busy processor from the threads being waited for: on two busy
    cores a prediction took 1,439 ms, and 18 ms with this setting (on idle cores, 5.9 instead of 5.4). It is read when
    torch is imported.
    """
    environment.setdefault("GOMP_SPINCOUNT", "3000")


def leave(code: int) -> None:
    """Ends the process, even if a thread is blocked in a camera's driver."""
    sys.stdout.flush()
    sys.stderr.flush()
    if any(thread.name.startswith(OWN_THREADS) for thread in threading.enumerate()):
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
