"""The sub-commands that prepare and measure: `stats`, `pretrain`, `bench`. Parse, build, run, print; no logic."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from app import config
from app.config import Settings
from app.corruptions.names import STANDARD, VALIDATION, check_name
from app.errors import UsageError
from app.options import takes_settings

MODEL = (
    *("model", "weights", "labels", "img_size", "crop_pct", "interpolation", "mean", "std"),
    *("device", "precision", "threads", "seed", "quiet", "verbose"),
)
Images = Annotated[Path, typer.Option(help="Folder of pictures; folders in it are searched too.")]
Count = Annotated[int | None, typer.Option(min=1, help="How many pictures; all of them where it is not given.")]
Skip = Annotated[int, typer.Option(min=0, help="Leave out the first pictures of the shuffled folder.")]
Severity = Annotated[int, typer.Option(min=1, max=5, help="Of the corruptions.")]


def out(about: str) -> Any:
    """The option --out of a command that writes one file."""
    return typer.Option("--out", help=f"{about}: a .safetensors file.")


@takes_settings((*MODEL, "overwrite"))
def stats(
    images: Images,
    path: Annotated[Path, out("Where the statistics go")],
    count: Count = None,
    skip: Skip = 0,
    batch: Annotated[int, typer.Option(min=1, help="Pictures at a time.")] = 64,
    **flags: Any,
) -> None:
    """Measures a model's source statistics on clean, unlabeled pictures. Needed once for each model."""
    settings, console = begin(flags, path)
    from app import build
    from app.pictures import Selection
    from app.preparation import measure_statistics

    pictures = Selection.draw(images, count, skip, settings.seed)
    found = measure_statistics(build.model(settings), pictures, console, batch)
    found.save(path)
    console.print(f"statistics of {found.card['pictures']} pictures: {path}", soft_wrap=True)


@takes_settings((*MODEL, "stats", "overwrite"))
def pretrain(
    images: Images,
    path: Annotated[Path, out("Where the generator goes")],
    count: Count = 128,
    skip: Skip = 0,
    corruptions: Annotated[str, typer.Option(help="Each picture gets one of them.")] = ",".join(VALIDATION),
    severity: Severity = 5,
    epochs: Annotated[int, typer.Option(min=1, help="Passes through the pictures; each is an episode.")] = 40,
    batch: Annotated[int, typer.Option(min=2, help="Pictures a step.")] = 2,
    **flags: Any,
) -> None:
    """Pre-trains a Meta Gradient Generator on unlabeled pictures. Call it again to go on after an interruption."""
    settings, console = begin(flags, path, going_on=progress_of(path).exists())
    from app import build
    from app.pictures import Selection
    from app.preparation import Recipe, pretrain_generator

    recipe = Recipe(corruptions=names(corruptions), severity=severity, epochs=epochs, batch=batch)
    pictures = Selection.draw(images, count, skip, settings.seed)
    backbone = build.model(settings)
    statistics = build.statistics(settings, backbone)
    pretrain_generator(backbone, statistics, pictures, recipe, settings.seed, path, progress_of(path), console)
    console.print(f"generator: {path}", soft_wrap=True)


@takes_settings((*MODEL, "mgg", "stats", "json"))
def bench(
    images: Images,
    count: Count = None,
    skip: Skip = 0,
    methods: Annotated[str, typer.Option(help="Which to compare.")] = "none,tent,sgd,mgtta",
    corruptions: Annotated[str, typer.Option(help="Which to meet; `all` is the 15 standard ones.")] = "all",
    severity: Severity = 5,
    batch: Annotated[int, typer.Option(min=1, help="Pictures a window.")] = 64,
    **flags: Any,
) -> None:
    """Compares methods under corruptions on labeled pictures (folders named by class), reset before each one."""
    settings, console = begin(flags)
    chosen = STANDARD if corruptions == "all" else names(corruptions, extra=("clean",))
    from app import build
    from app.bench import as_json, table
    from app.bench import bench as run
    from app.pictures import Selection
    from app.provenance import header

    for method in methods.split(","):
        build.check_method(replace(settings, method=method))
    pictures = Selection.draw(images, count, skip, settings.seed)
    backbone = build.model(settings)
    built = {method: build.methods(settings, backbone.twin())[method]() for method in methods.split(",")}
    rows = list(run(backbone, built, pictures, chosen, console, severity, batch, settings.seed))
    console.print(table(rows))
    if settings.json:
        facts = {"configuration": config.to_dict(settings), "device": str(backbone.device), "seed": settings.seed}
        top = header(sys.argv, model=build.describe(backbone), **facts)
        print(json.dumps({"header": top, "rows": as_json(rows)}, allow_nan=False))


def begin(flags: dict[str, Any], path: Path | None = None, going_on: bool = False) -> tuple[Settings, Console]:
    """Checked settings and the console for people; sees that the output file can be written before anything slow."""
    settings = config.load(flags, environment=os.environ, file=None)
    if path is not None:
        from app.sinks.paths import writable

        if path.suffix != ".safetensors":
            raise UsageError(f"--out is a .safetensors file; got {path.name}")
        writable(path, overwrite=settings.overwrite or going_on)
    return settings, Console(stderr=True, quiet=settings.quiet, emoji=False, markup=False, highlight=False)


def progress_of(path: Path) -> Path:
    """Where a pre-training that writes to `path` keeps what it needs to go on."""
    return path.with_name(path.name + ".progress")


def names(text: str, extra: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names of corruptions, separated by commas.

    Raises:
        UsageError: with the nearest name.
    """
    chosen = tuple(name.strip() for name in text.split(",") if name.strip())
    try:
        return tuple(name if name in extra else check_name(name) for name in chosen)
    except ValueError as error:
        raise UsageError(f"--corruptions: {error}") from None


COMMANDS = (stats, pretrain, bench)
