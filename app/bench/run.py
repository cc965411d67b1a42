"""Measures what was asked for, keeps each cell, and shows the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from app import build
from app.bench import paper, report, workers
from app.bench.cells import Budget, Cell, Row, cells
from app.bench.data import CLEAN, VARIANTS, Pictures, folder, imagenet_c
from app.bench.ledger import Ledger
from app.bench.measure import Bench
from app.bench.request import Request
from app.bench.streams import HELD, REPEATS, RESET
from app.config import Settings
from app.errors import UsageError
from app.learning import method, provenance, with_files
from app.preparation import progress
from app.provenance import package_version
from app.specs import parse
from models import Backbone


def run(
    request: Request,
    settings: Settings,
    folders: Mapping[str, Path],
    stretch: tuple[int | None, int],
    out: Path,
    console: Console,
    processes: int = 1,
    ray: str | None = None,
    *,
    memory: bool = True,
    pretrain_on: Path | None = None,
) -> list[dict[str, Any]]:
    """The rows of `bench --json`; tables go to the console, CSV and picture into the folder.

    Args:
        request: what to measure.
        settings: model, seed, files of generator and statistics.
        folders: kind of pictures -> where they are.
        stretch: how many of the shuffled pictures (None: all), after how many.
        out: where finished cells are kept.
        console: for people.
        processes: how many measure at once.
        ray: a cluster that measures instead: `local`, `auto` or an address.
        memory: whether to see how much memory methods take.
        pretrain_on: pictures for the generators of Table 6.

    Raises:
        AppError, ModelError: one line each.
    """
    if not folders:
        raise UsageError("no pictures: give --images DIR, or --imagenet-c, -r, -sketch or -a")
    backbone = build.model(settings)
    pictures = tuple(_pictures(kind, path, backbone, stretch, settings.seed, console) for kind, path in folders.items())
    plan = _plan(request, settings, backbone, out, console, pretrain_on)
    wanted = list(_cells(request, plan, pictures))
    _check(wanted, pictures)
    bench = Bench(settings, pictures, build.model, memory)
    files = _prepared(bench, wanted, settings)
    ledger = Ledger(out, _context(bench, files), fresh=settings.overwrite)
    try:
        _measured(bench, wanted, ledger, console, processes, ray)
    finally:
        rows = [row for cell in wanted if (found := ledger.get(cell)) for row in found.rows]
        if rows:
            _shown(request, plan, rows, settings, out, console)
    return [asdict(row) for row in rows]


def _pictures(
    kind: str, path: Path, backbone: Backbone, stretch: tuple[int | None, int], seed: int, console: Console
) -> Pictures:
    labels = backbone.labels
    found = imagenet_c(path, labels) if kind == "imagenet-c" else folder(path, labels, kind)
    if found.unknown:
        names = ", ".join(found.unknown[:5])
        console.print(
            f"left out, no class of the model: {len(found.unknown)} folders or names ({names})", soft_wrap=True
        )
    return found.drawn(*stretch, seed)


def _plan(
    request: Request, settings: Settings, backbone: Backbone, out: Path, console: Console, pretrain_on: Path | None
) -> paper.Plan | None:
    if request.table is None:
        return None
    if request.table != 6:
        return paper.plan(request.table)
    from app.bench.sizes import generators

    made = generators(settings, backbone, pretrain_on, out, console)
    return paper.plan(6, {size: f"mgtta:mgg={path}" for size, path in made.items()})


def _cells(request: Request, plan: paper.Plan | None, pictures: Sequence[Pictures]) -> Iterator[Cell]:
    methods = request.methods or (tuple(parse(name) for name in plan.methods) if plan else ())
    return cells(
        methods,
        request.protocols or ((plan.protocol,) if plan else (RESET,)),
        request.corruptions,
        request.severities,
        request.batches or (plan.batches if plan else ()),
        request.budgets or (plan.budgets if plan else (Budget(),)),
        [found.kind for found in pictures],
    )


def _check(wanted: Sequence[Cell], pictures: Sequence[Pictures]) -> None:
    """What can be known to fail before it begins."""
    by_kind = {found.kind: found for found in pictures}
    for cell in wanted:
        found, stream = by_kind[cell.data], cell.stream
        shots = len(found.items) * (REPEATS if stream.protocol == HELD else 1)
        if stream.batch > shots:
            raise UsageError(
                f"--batch {stream.batch}: {shots} pictures never fill such a window: give more, or a smaller one"
            )
        for name in stream.corruptions:
            if not found.offers(name, stream.severity) and not (name == CLEAN and found.kind in VARIANTS):
                have = ", ".join(found.available())
                raise UsageError(f"{found.root} has no {name}/{stream.severity}; it has {have[:200]}")


def _prepared(bench: Bench, wanted: Sequence[Cell], settings: Settings) -> dict[str, dict[str, str]]:
    """Builds each method once, so that what is missing is said first; hashes of the files that each one uses."""
    files = {}
    for kind, spec in dict.fromkeys((cell.data, cell.method) for cell in wanted):
        backbone = bench.model_for(bench.of_kind(kind))
        method(settings, backbone, spec)
        files[str(spec)] = provenance(with_files(settings, spec), backbone, spec.name)
    return files


def _context(bench: Bench, files: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """All that a cell's numbers depend on beside the cell itself."""
    settings, backbone = bench.settings, bench.backbone
    return {
        "model": backbone.digest,
        "preprocess": asdict(backbone.preprocess),
        "pictures": {found.kind: found.digest for found in bench.pictures},
        "seed": settings.seed,
        "threads": torch.get_num_threads(),
        "device": backbone.device.type,
        "precision": settings.precision,
        "frost": str(settings.frost_dir),
        "versions": {name: package_version(name) for name in ("mgtta-cam", "torch", "timm", "opencv-python", "numpy")},
        "files": files,
    }


def _measured(
    bench: Bench, wanted: Sequence[Cell], ledger: Ledger, console: Console, processes: int, ray: str | None
) -> None:
    open_cells = [cell for cell in wanted if ledger.get(cell) is None]
    if len(open_cells) < len(wanted):
        console.print(f"{len(wanted) - len(open_cells)} of {len(wanted)} cells were measured before ({ledger.path})")
    told: set[str] = set()
    with progress(console) as bars:
        task = bars.add_task("bench", total=len(wanted), completed=len(wanted) - len(open_cells))
        finished = (
            workers.ray_cluster(bench, open_cells, ray, processes)
            if ray
            else workers.processes(bench, open_cells, processes)
            if processes > 1
            else workers.serial(bench, open_cells)
        )
        for cell, measured in finished:
            ledger.put(cell, measured)
            bars.update(task, advance=1, description=f"{cell.method} {measured.rows[-1].corruption}")
            for name in set(measured.skipped) - told:
                console.print(f"skipped {name}: not a picture that can be decoded", soft_wrap=True)
            told |= set(measured.skipped)


def _shown(
    request: Request, plan: paper.Plan | None, rows: Sequence[Row], settings: Settings, out: Path, console: Console
) -> None:
    if plan is not None and request.table is not None:
        own = settings.model.split(".")[0] == paper.MODEL
        console.print(
            report.as_published(request.table, plan, rows, own and {row.data for row in rows} <= set(plan.data))
        )
    else:
        for shown in report.tables(rows):
            console.print(shown)
    report.write_csv(rows, out / "rows.csv")
    report.draw(rows, out / "accuracy.png")
    console.print(f"cells, CSV and picture: {out}", soft_wrap=True)
