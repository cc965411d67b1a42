"""The sub-commands beside a run: `stats`, `pretrain`, `bench`, `export`. Parse, build, run, print; no logic."""

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
from app.corruptions.names import VALIDATION, check_name
from app.errors import UsageError
from app.options import takes_settings
from app.settings import Settings
from app.writing import to_stdout, writable

MODEL = (
    *("model", "weights", "labels", "img_size", "crop_pct", "interpolation", "mean", "std"),
    *("device", "precision", "threads", "seed", "quiet", "verbose"),
)
Images = Annotated[Path, typer.Option(help="Folder of pictures; folders in it are searched too.")]
Folder = Annotated[Path | None, typer.Option(help="Folder of pictures in folders named by class, or a CSV of them.")]
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
    method: Annotated[str, typer.Option(help="Whose generator: mgtta or mgtta-lstm.")] = "mgtta",
    unroll: Annotated[
        int | None, typer.Option(min=1, help="Steps that its gradient reaches back over; 1 for mgtta, 10 for the LSTM.")
    ] = None,
    **flags: Any,
) -> None:
    """Pre-trains a Meta Gradient Generator on unlabeled pictures. Call it again to go on after an interruption."""
    settings, console = begin(flags, path, going_on=os.path.exists(progress_of(path)))
    from app import build
    from app.learning import statistics
    from app.pictures import Selection
    from app.preparation import GENERATORS, Recipe, pretrain_generator

    if method not in GENERATORS:
        raise UsageError(f"--method: generators of {' and '.join(GENERATORS)} are pre-trained; got {method!r}")
    unroll = unroll or (1 if method == "mgtta" else 10)
    recipe = Recipe(method, names(corruptions), severity, epochs, batch, unroll=unroll)
    pictures = Selection.draw(images, count, skip, settings.seed)
    backbone = build.model(settings)
    source = statistics(settings, backbone)
    pretrain_generator(backbone, source, pictures, recipe, settings.seed, path, progress_of(path), console)
    console.print(f"generator: {path}", soft_wrap=True)


@takes_settings((*MODEL, "runtime", "mgg", "stats", "paper", "frost_dir", "json", "overwrite"))
def bench(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where --speed --json writes to; by default, stdout.")
    ] = None,
    speed: Annotated[bool, typer.Option("--speed", help="How fast this machine is, part by part.")] = False,
    images: Folder = None,
    imagenet_c: Annotated[
        Path | None, typer.Option("--imagenet-c", help="The published ImageNet-C: corruption/severity/class/picture.")
    ] = None,
    imagenet_r: Annotated[Path | None, typer.Option("--imagenet-r", help="ImageNet-R: folders named by class.")] = None,
    imagenet_sketch: Annotated[Path | None, typer.Option("--imagenet-sketch", help="ImageNet-Sketch.")] = None,
    imagenet_a: Annotated[Path | None, typer.Option("--imagenet-a", help="ImageNet-A.")] = None,
    count: Count = None,
    skip: Skip = 0,
    table: Annotated[
        int | None, typer.Option(min=1, max=8, help="What a table of the paper needs, in its layout.")
    ] = None,
    methods: Annotated[
        str | None, typer.Option(help="Which to compare, with options: none,tent,tent:lr=5e-4,mgtta. `all` is all.")
    ] = None,
    corruptions: Annotated[
        str, typer.Option(help="Which to meet; `all` is the 15 standard ones, `clean` is none.")
    ] = "all",
    severity: Annotated[str, typer.Option(help="1..5; several with commas.")] = "5",
    batch: Annotated[str | None, typer.Option(help="Pictures a window, 64 by default; several with commas.")] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="reset, mixed, continual, dirichlet, held, slow, sudden; correlated and video stand for several."
        ),
    ] = None,
    max_updates: Annotated[str | None, typer.Option(help="Adapt on the first N windows only; several.")] = None,
    max_seconds: Annotated[str | None, typer.Option(help="Adapt for so many seconds only; several.")] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that measure at once. Numbers stay the same; times suffer.")
    ] = 1,
    ray: Annotated[
        str | None, typer.Option(metavar="[ADDRESS]", help="Spread over a Ray cluster: local, auto, or its address.")
    ] = None,
    memory: Annotated[bool, typer.Option(help="See how much memory each method takes: a process for each.")] = True,
    pretrain_images: Annotated[
        Path | None, typer.Option("--pretrain-images", help="Pictures that Table 6 pre-trains generators on.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of finished cells, CSV and picture.")] = Path("mgtta-cam-bench"),
    **flags: Any,
) -> None:
    """Compares methods under corruptions on labeled pictures. Interrupted, the same command goes on.

    Pictures lie in folders named by class, or are listed in a CSV file `path,class`. --overwrite measures all anew.
    With --speed no pictures are needed: times of all parts on the embedded clip, and the ratios between them.
    """
    folders = {"images": images, "imagenet-c": imagenet_c, "imagenet-r": imagenet_r}
    folders |= {"imagenet-sketch": imagenet_sketch, "imagenet-a": imagenet_a}
    if speed:
        asked = {**folders, "count": count, "skip": skip, "table": table, "methods": methods}
        asked |= {"batch": batch, "protocol": protocol, "max-updates": max_updates, "max-seconds": max_seconds}
        asked |= {"ray": ray, "pretrain-images": pretrain_images}
        if extra := [name for name, value in asked.items() if value]:
            raise UsageError(f"--speed measures all parts on the embedded clip: leave --{extra[0]} away")
        measure_speed(flags, file)
        return
    if file is not None:
        raise UsageError(f"only --speed takes a file; pictures are given with --images (got {file})")
    settings, console = begin(flags, presets={"threads": 1})  # numbers must not depend on how many share the machine
    from app.bench.request import Request
    from app.bench.run import run

    request = Request.parsed(
        methods=methods,
        corruptions=corruptions,
        severity=severity,
        batch=batch,
        protocol=protocol,
        max_updates=max_updates,
        max_seconds=max_seconds,
        table=table,
    )
    given = {kind: path for kind, path in folders.items() if path is not None}
    facts, rows = run(
        request, settings, given, (count, skip), out, console, workers, ray, memory=memory, pretrain_on=pretrain_images
    )
    if settings.json:
        from app.provenance import header

        top = header(sys.argv, configuration=config.to_dict(settings), seed=settings.seed, **facts)
        to_stdout(json.dumps({"header": top, "rows": rows}, allow_nan=False))


def measure_speed(flags: dict[str, Any], file: Path | None) -> None:
    """The whole of `bench --speed`."""
    settings, console = begin(flags)
    if file is not None:
        if not settings.json:
            raise UsageError(f"{file} is where --json writes to: give --json too")
        writable(file, overwrite=settings.overwrite)
    from dataclasses import asdict

    from app import build
    from app.bench.speed.run import run
    from app.provenance import compute, describe, header

    backbone = build.model(settings)
    rows, ratios = run(settings, backbone, console)
    if settings.json:
        facts = {"model": describe(backbone), **compute(backbone)}
        top = header(sys.argv, configuration=config.to_dict(settings), seed=settings.seed, **facts)
        text = json.dumps({"header": top, "rows": [asdict(row) for row in rows], "ratios": ratios}, allow_nan=False)
        if file is None:
            to_stdout(text)
        else:
            file.write_text(text + "\n", encoding="utf-8")


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
    from app import build
    from app.exporting import write

    apart = write(build.model(replace(settings, precision="fp32")), state, path)
    console.print(f"{path}: answers as the model does (logits within {apart:.1e} of the largest)", soft_wrap=True)


def begin(
    flags: dict[str, Any],
    path: Path | None = None,
    going_on: bool = False,
    presets: dict[str, Any] | None = None,
    kind: str = ".safetensors",
) -> tuple[Settings, Console]:
    """Checked settings and the console for people; sees that the output file can be written before anything slow."""
    settings = config.load(flags, environment=os.environ, file=None, presets=presets)
    if path is not None:
        if path.suffix != kind:
            raise UsageError(f"--out is a file that ends in {kind}; got {path.name}")
        writable(path, overwrite=settings.overwrite or going_on)
    return settings, Console(stderr=True, quiet=settings.quiet, emoji=False, markup=False, highlight=False)


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


COMMANDS = (stats, pretrain, bench, export)
