"""Write the report of logs: one HTML page, with its pictures as PNG next to it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mgtta_cam.errors import OutputError
from mgtta_cam.outputs import writable
from mgtta_cam.report.findings.ranking import findings
from mgtta_cam.report.page import RunReport, page
from mgtta_cam.report.pictures import gallery
from mgtta_cam.report.reading import load
from mgtta_cam.report.run import Run
from mgtta_cam.report.thumbnails import album
from mgtta_cam.report.words import plain

PAGE = "report.html"


def write(logs: Sequence[Path], folder: Path, *, overwrite: bool) -> list[RunReport]:
    """Read logs and write the report.

    Raises:
        UsageError: if a log cannot be read.
        OutputError: if the report cannot be written, or already exists and `overwrite` is not set.
    """
    prefixes = [f"{i}-" if len(logs) > 1 else "" for i in range(1, len(logs) + 1)]
    names = [f"{prefix}{name}.png" for prefix in prefixes for name in gallery.DRAWN]
    planned = [folder / name for name in (PAGE, "comparison.png", *names)]
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise OutputError(f"--out expects a folder; {folder} is a file")
    if os.path.isdir(folder):
        for path in planned:
            writable(path, overwrite=overwrite)
    else:
        writable(folder, overwrite=False)
    runs = [load(path) for path in logs]
    reports = [_report_of(run, name, prefix) for run, name, prefix in zip(runs, names_of(runs), prefixes, strict=True)]
    comparison = gallery.of_all(runs, [one.name for one in reports]) if len(runs) > 1 else None
    drawn = [picture for one in reports for picture in one.pictures.values()]
    files = {f"{picture.name}.png": picture.png for picture in drawn}
    files |= {f"{comparison.name}.png": comparison.png} if comparison is not None else {}
    files |= {PAGE: page(reports, comparison).encode(errors="replace")}
    try:
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            _part(folder / name).write_bytes(content)
        for path in planned:  # everything is on the disk: now replace the previous report
            if path.name in files:
                _part(path).replace(path)
            else:
                path.unlink(missing_ok=True)  # left over from an earlier report
    except OSError as error:
        for name in files:
            _part(folder / name).unlink(missing_ok=True)
        raise OutputError(f"--out {folder} cannot be written: {error.strerror or error}") from None
    return reports


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _report_of(run: Run, name: str, prefix: str) -> RunReport:
    return RunReport(run, name, findings(run), gallery.of_run(run, prefix), album(run))


def names_of(runs: Sequence[Run]) -> list[str]:
    """Names of logs, numbered if there are several."""
    stems = [plain(run.path.name.removesuffix(".gz").removesuffix(".jsonl"), 40) for run in runs]
    return stems if len(runs) == 1 else [f"{i} {stem}" for i, stem in enumerate(stems, start=1)]
