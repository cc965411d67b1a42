"""Run a bench: measure what was requested, save each cell, and show the tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from mgtta_cam.adaptation.methods import deployed, method, provenance, with_files
from mgtta_cam.bench import chart, paper, report, workers
from mgtta_cam.bench.cells import Cell, Row, Tally, cells
from mgtta_cam.bench.data import CLEAN, VARIANTS, Pictures, folder, imagenet_c
from mgtta_cam.bench.ledger import Ledger
from mgtta_cam.bench.measure import Bench
from mgtta_cam.bench.request import Job, Request
from mgtta_cam.bench.streams import REPEATS, SLOW, SUDDEN, Shot, label_of
from mgtta_cam.config.method_spec import Spec
from mgtta_cam.config.settings import Settings
from mgtta_cam.corruptions.names import STANDARD
from mgtta_cam.errors import AppError, OutputError, UsageError
from mgtta_cam.log.provenance import compute, describe, package_version
from mgtta_cam.outputs import progress
from mgtta_models import Backbone
from mgtta_models.errors import needs


def run(
    load: Callable[[Settings], Backbone], request: Request, settings: Settings, job: Job, console: Console
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Run a bench; tables go to the console, CSV and picture into `out`.

    Args:
        load: loads the model that the settings name.
        request: what to measure.
        settings: model, seed, files of generator and statistics.
        job: pictures, folder for results, and what measures.
        console: for tables and progress.

    Returns:
        The header's facts and the rows of `bench --json`.

    Raises:
        AppError, ModelError: each with a one-line message.
    """
    needs("matplotlib", "bench", extra="bench")  # for the picture at its end
    if job.ray:
        needs("ray", "bench --ray", extra="ray")
    if request.table is not None:
        settings = replace(settings, paper=True)
    if not job.folders:
        raise UsageError("no pictures: give --images DIR, or --imagenet-c, -r, -sketch or -a")
    backbone = load(settings)
    pictures = tuple(_pictures(kind, path, backbone, job, settings.seed, console) for kind, path in job.folders.items())
    plan = _plan(request, settings, backbone, job, console)
    request = request.decided(plan) if plan else request
    wanted = list(
        cells(
            request.methods,
            request.protocols,
            request.corruptions,
            request.severities,
            request.batches,
            request.budgets,
            list(job.folders),
        )
    )
    _check(wanted, pictures, request)
    if plan is not None and request.table is not None:
        wanted = _placed(request.table, plan, wanted)
    compare = (
        plan is not None and (job.count, job.skip) == (None, 0) and _as_in_paper(request, plan, settings, pictures)
    )
    bench = Bench(settings, pictures, load, job.memory)
    prepared = _prepared(bench, wanted, console)
    ledger = Ledger(job.out, _context(bench), _facts(bench, prepared), fresh=settings.overwrite)

    def finished() -> list[Row]:
        return [row for cell in wanted if (found := ledger.get(cell)) for row in found.rows]

    try:
        _measured(bench, wanted, ledger, console, job.workers, job.ray)
    except (SystemExit, AppError) as stop:
        if rows := finished():
            with suppress(OutputError):  # the error that stopped the bench is reported
                _shown(request, plan, rows, compare, job.out, console)
        count = sum(ledger.get(cell) is not None for cell in wanted)
        word = "interrupted" if isinstance(stop, SystemExit) else "stopped"
        console.print(f"{word}: {count} of {len(wanted)} cells are finished; run the same command to resume")
        raise
    rows = finished()
    _shown(request, plan, rows, compare, job.out, console)
    return {"model": describe(backbone), "methods": prepared, **compute(backbone)}, report.plain(rows)


def _pictures(kind: str, path: Path, backbone: Backbone, job: Job, seed: int, console: Console) -> Pictures:
    labels = backbone.labels
    found = imagenet_c(path, labels) if kind == "imagenet-c" else folder(path, labels, kind)
    if found.unknown:
        names = ", ".join(found.unknown[:5])
        console.print(
            f"ignored {len(found.unknown)} folders or names that are not classes of the model ({names})", soft_wrap=True
        )
    return found.drawn(job.count, job.skip, seed)


def _plan(request: Request, settings: Settings, backbone: Backbone, job: Job, console: Console) -> paper.Plan | None:
    if request.table is None:
        return None
    if request.table != 6:
        return paper.plan(request.table)
    from mgtta_cam.bench.sizes import generators

    made = generators(settings, backbone, job.pretrain_on, job.out, console)
    return paper.plan(6, {size: Spec("mgtta", files=(("mgg", path),)) for size, path in made.items()})


def _check(wanted: Sequence[Cell], pictures: Sequence[Pictures], request: Request) -> None:
    """Raise for what is certain to fail, before anything slow begins."""
    by_kind = {found.kind: found for found in pictures}
    for kind, stream in dict.fromkeys((cell.data, cell.stream) for cell in wanted):
        found = by_kind[kind]
        if found.ready_made and stream.protocol in (SLOW, SUDDEN):
            raise UsageError(f"--protocol {stream.protocol} corrupts as it goes: give clean pictures with --images")
        shots = len(found.items) * (REPEATS if stream.still else 1)
        if stream.batch > shots:
            raise UsageError(
                f"{shots} pictures do not fill a window of {stream.batch}: give more pictures"
                + ("" if request.table else " or a smaller --batch")
            )
        for name in stream.corruptions:
            if not found.offers(name, stream.severity) and not (name == CLEAN and found.kind in VARIANTS):
                have = ", ".join(found.available())
                also = "; use --images DIR for clean pictures" if name == CLEAN else ""
                raise UsageError(f"{found.root} has no {name}/{stream.severity}; it has {have[:200]}{also}")


def _placed(number: int, plan: paper.Plan, wanted: Sequence[Cell]) -> list[Cell]:
    """The cells that have a place in the table's layout: some methods appear under some budgets only.

    Raises:
        UsageError: if a method has no place in it on some pictures.
    """

    def has_place(cell: Cell) -> bool:
        rows = [Tally().row(cell, label_of(cell.stream, Shot(0, name)), None) for name in cell.stream.corruptions]
        places = product(plan.rows.values(), plan.columns.values(), rows)
        return any(in_row(row) and in_column(row) for in_row, in_column, row in places)

    placed = [cell for cell in wanted if has_place(cell)]
    known = {(cell.method, cell.data, cell.stream) for cell in placed}
    if lost := [cell for cell in wanted if (cell.method, cell.data, cell.stream) not in known]:
        kinds = ["images", *plan.data] if "imagenet-c" in plan.data else plan.data
        raise UsageError(
            f"Table {number} has no place for {lost[0].method} on --{lost[0].data} under "
            f"{', '.join(lost[0].stream.corruptions)}; it covers {', '.join(map(str, plan.methods))} on "
            f"{' '.join(f'--{kind}' for kind in kinds)}"
        )
    return placed


def _as_in_paper(request: Request, plan: paper.Plan, settings: Settings, pictures: Sequence[Pictures]) -> bool:
    """Whether the paper's numbers are for the same model, pictures and corruptions."""
    options = ("weights", "img_size", "crop_pct", "interpolation", "mean", "std")
    own = settings.model in paper.MODELS and all(getattr(settings, name) is None for name in options)
    same = set(request.corruptions) == set(STANDARD) and request.severities == (5,)
    return own and same and {found.kind for found in pictures} <= set(plan.data)


def _prepared(bench: Bench, wanted: Sequence[Cell], console: Console) -> dict[str, dict[str, Any]]:
    """Build each method once, so that missing files are reported first: spec -> how it runs, hashes of its files."""
    settings, found = bench.settings, dict[str, dict[str, Any]]()
    for kind, spec in dict.fromkeys((cell.data, cell.method) for cell in wanted):
        backbone = bench.model_for(bench.of_kind(kind))
        method(settings, backbone, spec)
        runs = deployed(settings, backbone, spec)
        if runs != spec and str(spec) not in found:
            console.print(f"{spec} runs as {runs}, as chosen in pre-training; use --paper for the published setting")
        found[str(spec)] = {
            "method": str(runs),
            "files": provenance(with_files(settings, spec), backbone, spec.name),
        }
    return found


def _context(bench: Bench) -> dict[str, Any]:
    """What the numbers of every cell depend on."""
    settings, backbone = bench.settings, bench.backbone
    return {
        "model": backbone.digest,
        "preprocess": asdict(backbone.preprocess),
        "seed": settings.seed,
        "threads": torch.get_num_threads(),
        "device": backbone.device.type,
        "precision": settings.precision,
        "frost": _listing(settings.frost_dir),
        "versions": {name: package_version(name) for name in ("mgtta-cam", "torch", "timm", "opencv-python", "numpy")},
    }


def _facts(bench: Bench, prepared: Mapping[str, Mapping[str, Any]]) -> Callable[[Cell], Mapping[str, Any]]:
    """What the numbers of one cell depend on: its pictures, its method as it runs, and the method's files."""

    @cache
    def digest(kind: str, corruptions: tuple[str, ...], severity: int) -> str:
        return bench.of_kind(kind).digest(corruptions, severity)

    def facts(cell: Cell) -> Mapping[str, Any]:
        below = bench.of_kind(cell.data).ready_made
        corruptions, severity = (cell.stream.corruptions, cell.stream.severity) if below else ((), 0)
        return {"pictures": digest(cell.data, corruptions, severity), **prepared[str(cell.method)]}

    return facts


def _listing(folder: Path | None) -> list[str]:
    """Names, sizes and times of a folder's files."""
    files = sorted(folder.iterdir()) if folder is not None and os.path.isdir(folder) else []
    return [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]


def _measured(
    bench: Bench, wanted: Sequence[Cell], ledger: Ledger, console: Console, processes: int, ray: str | None
) -> None:
    open_cells = [cell for cell in wanted if ledger.get(cell) is None]
    if len(open_cells) < len(wanted):
        console.print(f"{len(wanted) - len(open_cells)} of {len(wanted)} cells were measured before ({ledger.path})")
    if ray and open_cells:
        console.print(f"starting Ray ({ray}), which takes a while")
    reported: set[str] = set()
    with progress(console, "bench", len(wanted), "cells", done=len(wanted) - len(open_cells)) as work:
        for cell in wanted:
            kept = ledger.get(cell) if bench.memory else None
            if kept and any(row.peak_mem_mb is None for row in kept.rows):
                work.advance(0, about=f"{cell.method} memory")
                if (peak := bench.peak(cell)) is not None:
                    ledger.put(cell, replace(kept, rows=tuple(replace(row, peak_mem_mb=peak) for row in kept.rows)))
        if ray:
            finished = workers.ray_cluster(bench, open_cells, ray, processes)
        elif processes > 1:
            finished = workers.processes(bench, open_cells, processes)
        else:
            finished = workers.serial(bench, open_cells)
        for cell, alone in finished:
            measured = replace(alone, rows=tuple(replace(row, workers=processes) for row in alone.rows))
            ledger.put(cell, measured)
            work.advance(about=f"{cell.method} {measured.rows[-1].corruption}")
            for name in set(measured.skipped) - reported:
                console.print(f"skipped {name}: not a decodable picture", soft_wrap=True)
            reported |= set(measured.skipped)
    if reported:
        console.print(f"pictures skipped in total: {len(reported)}")


def _shown(
    request: Request, plan: paper.Plan | None, rows: Sequence[Row], compare: bool, out: Path, console: Console
) -> None:
    if plan is not None and request.table is not None:
        tables = [report.as_published(request.table, plan, rows, compare)]
    else:
        tables = list(report.tables(rows))
    for shown in tables:
        console.print(shown.title, soft_wrap=True)  # on its own line, because the table may be narrower
        shown.title = None
        width = console.measure(shown, options=console.options.update_width(1000)).maximum
        if width > console.width:  # never cut digits: a narrow terminal wraps, and a file has no width
            Console(file=console.file, width=width, quiet=console.quiet, highlight=False).print(shown)
        else:
            console.print(shown)
    report.write_csv(rows, out / "rows.csv")
    chart.draw(rows, out / "accuracy.png")
    console.print(f"cells, CSV and picture: {out}", soft_wrap=True)
