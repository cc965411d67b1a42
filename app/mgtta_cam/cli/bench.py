"""The sub-commands beside a run: `stats`, `pretrain`, `bench`, `export`. Parse, build, run, print; no logic."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mgtta_cam.cli.options import MODEL, Count, Folder, Skip, begin, takes_settings
from mgtta_cam.config import loading
from mgtta_cam.errors import UsageError
from mgtta_cam.outputs import to_stdout, writable


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
    from mgtta_cam.assembly.model import load_model
    from mgtta_cam.bench.request import Request
    from mgtta_cam.bench.run import run

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
        load_model,
        request,
        settings,
        given,
        (count, skip),
        out,
        console,
        workers,
        ray,
        memory=memory,
        pretrain_on=pretrain_images,
    )
    if settings.json:
        from mgtta_cam.log.provenance import header

        top = header(sys.argv, configuration=loading.to_dict(settings), seed=settings.seed, **facts)
        to_stdout(json.dumps({"header": top, "rows": rows}, allow_nan=False))


def measure_speed(flags: dict[str, Any], file: Path | None) -> None:
    """The whole of `bench --speed`."""
    settings, console = begin(flags)
    if file is not None:
        if not settings.json:
            raise UsageError(f"{file} is where --json writes to: give --json too")
        writable(file, overwrite=settings.overwrite)
    from dataclasses import asdict

    from mgtta_cam.assembly.model import load_model
    from mgtta_cam.assembly.session import play_run
    from mgtta_cam.bench.speed.run import run
    from mgtta_cam.log.provenance import compute, describe, header

    backbone = load_model(settings)
    rows, ratios = run(settings, backbone, console, play_run)
    if settings.json:
        facts = {"model": describe(backbone), **compute(backbone)}
        top = header(sys.argv, configuration=loading.to_dict(settings), seed=settings.seed, **facts)
        text = json.dumps({"header": top, "rows": [asdict(row) for row in rows], "ratios": ratios}, allow_nan=False)
        if file is None:
            to_stdout(text)
        else:
            file.write_text(text + "\n", encoding="utf-8")
