"""The sub-commands `stats`, `pretrain` and `export`, which a model needs once."""

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

Images = Annotated[Path, typer.Option(help="Folder of pictures, including its subfolders.")]


Severity = Annotated[int, typer.Option(min=1, max=5, help="Severity of the corruptions.")]


@takes_settings((*MODEL, "overwrite"))
def stats(
    images: Images,
    path: Annotated[Path, out("File for the statistics")],
    count: Count = None,
    skip: Skip = 0,
    batch: Annotated[int, typer.Option(min=1, help="Pictures per forward pass.")] = 64,
    **flags: Any,
) -> None:
    """Measures a model's source statistics on clean, unlabeled pictures, once for each model."""
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
    path: Annotated[Path, out("File for the generator")],
    count: Count = 128,
    skip: Skip = 0,
    corruptions: Annotated[
        str, typer.Option(help="Corruptions, separated by commas; each picture gets one of them.")
    ] = ",".join(VALIDATION),
    severity: Severity = 5,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the pictures, each of which is an episode.")] = 40,
    batch: Annotated[int, typer.Option(min=2, help="Pictures per step.")] = 2,
    method: Annotated[str, typer.Option(help="Method whose generator is trained: mgtta or mgtta-lstm.")] = "mgtta",
    unroll: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Steps that the gradient is propagated back through; by default, 1 for mgtta and 10 for mgtta-lstm.",
        ),
    ] = None,
    **flags: Any,
) -> None:
    """Pre-trains a Meta Gradient Generator on unlabeled pictures; the same command continues after an interruption."""
    settings, console = begin(flags, path, going_on=os.path.exists(progress_of(path)))
    from mgtta_cam.adaptation.methods import statistics
    from mgtta_cam.assembly.model import load_model
    from mgtta_cam.offline.pictures import Selection
    from mgtta_cam.offline.pretraining import GENERATORS, Recipe, pretrain_generator

    if method not in GENERATORS:
        raise UsageError(
            f"--method: expected {' or '.join(GENERATORS)}, the methods that have a generator; got {method!r}"
        )
    unroll = unroll or (1 if method == "mgtta" else 10)
    recipe = Recipe(method, names(corruptions), severity, epochs, batch, unroll=unroll)
    pictures = Selection.draw(images, count, skip, settings.seed)
    backbone = load_model(settings)
    source = statistics(settings, backbone)
    pretrain_generator(backbone, source, pictures, recipe, settings.seed, path, progress_of(path), console)
    console.print(f"generator: {path}", soft_wrap=True)


@takes_settings((*(name for name in MODEL if name != "precision"), "overwrite"))
def export(
    path: Annotated[Path, typer.Option("--out", help="File for the model, an .onnx file.")],
    state: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="File that --state saved; by default, the model is exported unadapted."),
    ] = None,
    **flags: Any,
) -> None:
    """Exports the adapted model as a plain ONNX file, for deployment without adaptation.

    The input is `pixels` [b, 3, h, w], normalized; the output is `logits` [b, classes]; the metadata holds size, mean,
    std and class names.
    """
    settings, console = begin(flags, path, kind=".onnx")
    from mgtta_cam.assembly.model import load_model
    from mgtta_cam.offline.export import write

    backbone = load_model(replace(settings, precision="fp32"))
    with progress(console, "export"):
        apart = write(backbone, state, path)
    console.print(f"{path}: logits equal the model's within {apart:.1e} of the largest", soft_wrap=True)


def progress_of(path: Path) -> Path:
    """Returns the file with which a pre-training that writes to `path` can continue after an interruption."""
    return path.with_name(path.name + ".progress")


def names(text: str) -> tuple[str, ...]:
    """Parses names of corruptions, separated by commas.

    Raises:
        UsageError: for an unknown name, with the closest one.
    """
    try:
        return tuple(check_name(name.strip()) for name in text.split(",") if name.strip())
    except ValueError as error:
        raise UsageError(f"--corruptions: {error}") from None
