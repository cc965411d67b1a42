"""The sub-commands `stats`, `pretrain` and `export`: what a model needs once."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from mgtta_cam.cli.options import MODEL, Count, Skip, begin, out, takes_settings
from mgtta_cam.corruptions.names import VALIDATION, check_name
from mgtta_cam.errors import UsageError
from mgtta_cam.outputs import progress

Images = Annotated[Path, typer.Option(help="Folder of pictures; folders in it are searched too.")]


Severity = Annotated[int, typer.Option(min=1, max=5, help="Of the corruptions.")]


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
    from mgtta_cam.assembly.model import load_model
    from mgtta_cam.offline.pictures import Selection
    from mgtta_cam.offline.statistics import measure_statistics

    pictures = Selection.draw(images, count, skip, settings.seed)
    found = measure_statistics(load_model(settings), pictures, console, batch)
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
    method: Annotated[str, typer.Option(help="Whose generator: mgtta or mgtta-lstm.")] = "mgtta",
    unroll: Annotated[
        int | None, typer.Option(min=1, help="Steps that its gradient reaches back over; 1 for mgtta, 10 for the LSTM.")
    ] = None,
    **flags: Any,
) -> None:
    """Pre-trains a Meta Gradient Generator on unlabeled pictures. Call it again to go on after an interruption."""
    settings, console = begin(flags, path, going_on=os.path.exists(progress_of(path)))
    from mgtta_cam.adaptation.methods import statistics
    from mgtta_cam.assembly.model import load_model
    from mgtta_cam.offline.pictures import Selection
    from mgtta_cam.offline.pretraining import GENERATORS, Recipe, pretrain_generator

    if method not in GENERATORS:
        raise UsageError(f"--method: generators of {' and '.join(GENERATORS)} are pre-trained; got {method!r}")
    unroll = unroll or (1 if method == "mgtta" else 10)
    recipe = Recipe(method, names(corruptions), severity, epochs, batch, unroll=unroll)
    pictures = Selection.draw(images, count, skip, settings.seed)
    backbone = load_model(settings)
    source = statistics(settings, backbone)
    pretrain_generator(backbone, source, pictures, recipe, settings.seed, path, progress_of(path), console)
    console.print(f"generator: {path}", soft_wrap=True)


@takes_settings((*(name for name in MODEL if name != "precision"), "overwrite"))
def export(
    path: Annotated[Path, typer.Option("--out", help="Where the model goes: an .onnx file.")],
    state: Annotated[
        Path | None, typer.Option(metavar="PATH", help="What --state kept of a run: the model as it was at its end.")
    ] = None,
    **flags: Any,
) -> None:
    """Writes the adapted model as a plain ONNX file, for deployment where nothing adapts.

    `pixels` [b, 3, h, w], normalized, become `logits` [b, classes]; its metadata has size, mean, std and class names.
    """
    settings, console = begin(flags, path, kind=".onnx")
    from mgtta_cam.assembly.model import load_model
    from mgtta_cam.offline.export import write

    backbone = load_model(replace(settings, precision="fp32"))
    with progress(console, "export"):
        apart = write(backbone, state, path)
    console.print(f"{path}: answers as the model does (logits within {apart:.1e} of the largest)", soft_wrap=True)


def progress_of(path: Path) -> Path:
    """Where a pre-training that writes to `path` keeps what it needs to go on."""
    return path.with_name(path.name + ".progress")


def names(text: str) -> tuple[str, ...]:
    """Names of corruptions, separated by commas.

    Raises:
        UsageError: with the nearest name.
    """
    try:
        return tuple(check_name(name.strip()) for name in text.split(",") if name.strip())
    except ValueError as error:
        raise UsageError(f"--corruptions: {error}") from None
