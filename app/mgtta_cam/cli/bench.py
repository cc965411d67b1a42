"""The sub-command `bench`: parse, assemble, run, print; no logic."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from mgtta_cam.cli.options import MODEL, Count, Folder, Skip, begin, takes_options, takes_settings
from mgtta_cam.config import loading
from mgtta_cam.config.settings import flag
from mgtta_cam.errors import UsageError
from mgtta_cam.outputs import to_stdout, writable

FOLDER = Path("mgtta-cam-bench")
REQUEST = ("methods", "corruptions", "severity", "batch", "protocol", "max_updates", "max_seconds", "table")


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """Options of `bench` that are not settings."""

    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="File that --speed --json writes; stdout by default.")
    ] = None
    speed: Annotated[bool, typer.Option("--speed", help="Measure the speed of this machine, part by part.")] = False
    images: Folder = None
    imagenet_c: Annotated[
        Path | None,
        typer.Option("--imagenet-c", help="Folder of ImageNet-C as published: corruption/severity/class/picture."),
    ] = None
    imagenet_r: Annotated[
        Path | None, typer.Option("--imagenet-r", help="Folder of ImageNet-R, with folders named by class.")
    ] = None
    imagenet_sketch: Annotated[
        Path | None, typer.Option("--imagenet-sketch", help="Folder of ImageNet-Sketch, with folders named by class.")
    ] = None
    imagenet_a: Annotated[
        Path | None, typer.Option("--imagenet-a", help="Folder of ImageNet-A, with folders named by class.")
    ] = None
    count: Count = None
    skip: Skip = 0
    table: Annotated[
        int | None, typer.Option(min=1, max=8, help="Reproduce this table of the paper, in its layout.")
    ] = None
    methods: Annotated[
        str | None, typer.Option(help="Methods to compare, with options, such as none,tent,tent:lr=5e-4,mgtta, or all.")
    ] = None
    corruptions: Annotated[
        str,
        typer.Option(
            help="Corruptions to test, separated by commas; all stands for the 15 standard ones, clean for none."
        ),
    ] = "all"
    severity: Annotated[str, typer.Option(help="Severities, 1..5, separated by commas.")] = "5"
    batch: Annotated[
        str | None, typer.Option(help="Pictures per window, several separated by commas; 64 by default.")
    ] = None
    protocol: Annotated[
        str | None,
        typer.Option(
            help="Order of pictures and resets: reset, mixed, continual, dirichlet, held, slow or sudden; correlated "
            "and video each stand for several; reset by default."
        ),
    ] = None
    max_updates: Annotated[
        str | None,
        typer.Option(help="Stop adapting after this many windows, several separated by commas; no limit by default."),
    ] = None
    max_seconds: Annotated[
        str | None,
        typer.Option(help="Stop adapting after this many seconds, several separated by commas; no limit by default."),
    ] = None
    workers: Annotated[
        int,
        typer.Option(min=1, help="Processes that measure in parallel; results stay the same, but times become longer."),
    ] = 1
    ray: Annotated[
        str | None,
        typer.Option(metavar="[ADDRESS]", help="Distribute the work over a Ray cluster: local, auto, or an address."),
    ] = None
    memory: Annotated[bool, typer.Option(help="Measure each method's memory, in a process of its own.")] = True
    pretrain_images: Annotated[
        Path | None,
        typer.Option("--pretrain-images", help="Folder of pictures to pre-train generators on, for --table 6."),
    ] = None
    out: Annotated[Path, typer.Option(help="Folder for finished cells, the CSV file and the chart.")] = Path(
        "mgtta-cam-bench"
    )

    @property
    def folders(self) -> dict[str, Path]:
        """Kind of pictures -> folder, of those given."""
        given = {"images": self.images, "imagenet-c": self.imagenet_c, "imagenet-r": self.imagenet_r}
        given |= {"imagenet-sketch": self.imagenet_sketch, "imagenet-a": self.imagenet_a}
        return {kind: path for kind, path in given.items() if path is not None}

    def check_speed(self) -> None:
        """Checks that nothing contradicts --speed.

        Raises:
            UsageError: if an option has no meaning with it.
        """
        of_pictures = ("count", "skip", "table", "methods", "batch", "protocol", "max_updates", "max_seconds", "ray")
        asked = {**self.folders, **{name: getattr(self, name) for name in (*of_pictures, "pretrain_images")}}
        if extra := [flag(name) for name, value in asked.items() if value]:
            raise UsageError(f"--speed measures on the embedded clip: remove {extra[0]}")


@takes_settings((*MODEL, "runtime", "mgg", "stats", "paper", "frost_dir", "json", "overwrite"))
@takes_options(BenchOptions)
def bench(options: BenchOptions, **flags: Any) -> None:
    """Compares methods on labeled pictures under corruptions; after an interruption, the same command continues.

    Pictures are in folders named by class, or listed in a CSV file `path,class`. --overwrite measures everything again.
    --speed needs no pictures: it times each part of the program on the embedded clip, and prints their ratios.
    """
    if options.speed:
        options.check_speed()
        measure_speed(flags, options.file)
        return
    if options.file is not None:
        raise UsageError(f"only --speed takes a file; give pictures with --images; got {options.file}")
    settings, console = begin(flags, presets={"threads": 1})  # results must not depend on what else the machine does
    from mgtta_cam.assembly.model import load_model
    from mgtta_cam.bench.request import Job, Request
    from mgtta_cam.bench.run import run

    request = Request.parsed(**{name: getattr(options, name) for name in REQUEST})
    job = Job(
        folders=options.folders,
        out=options.out,
        pretrain_on=options.pretrain_images,
        **{name: getattr(options, name) for name in ("count", "skip", "workers", "ray", "memory")},
    )
    facts, rows = run(load_model, request, settings, job, console)
    if settings.json:
        from mgtta_cam.log.provenance import header

        top = header(sys.argv, configuration=loading.to_dict(settings), seed=settings.seed, **facts)
        to_stdout(json.dumps({"header": top, "rows": rows}, allow_nan=False))


def measure_speed(flags: dict[str, Any], file: Path | None) -> None:
    """Runs `bench --speed`."""
    settings, console = begin(flags)
    if file is not None:
        if not settings.json:
            raise UsageError(f"{file} is the file that --json writes: add --json")
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
