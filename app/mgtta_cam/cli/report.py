"""The sub-command `report`: parse, build, print; no logic."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from mgtta_cam.cli.options import takes_settings
from mgtta_cam.config import loading
from mgtta_models.errors import needs

FOLDER = Path("mgtta-cam-report")


@takes_settings(("json", "overwrite", "quiet"))
def report(
    logs: Annotated[list[Path], typer.Argument(metavar="LOG", help="Adaptation logs written by --log.")],
    out: Annotated[Path, typer.Option(help="Folder for the page and its pictures.")] = FOLDER,
    **flags: Any,
) -> None:
    """Makes a page from adaptation logs: what happened, whether adaptation helped, how the model changed.

    Writes one self-contained HTML file, and its pictures as PNG. Several logs are compared; an incomplete log is
    accepted.
    """
    settings = loading.load(flags, environment=os.environ)
    needs("matplotlib", "report", extra="report")
    from mgtta_cam.outputs import to_stdout
    from mgtta_cam.report.writing import PAGE, write

    reports = write(logs, out, overwrite=settings.overwrite)
    console = Console(stderr=True, quiet=settings.quiet, emoji=False, markup=False, highlight=False)
    for one in reports:
        console.print(f"{one.name}: {one.findings[0].text}" if one.findings else one.name, soft_wrap=True)
    console.print(f"report: {out / PAGE}", soft_wrap=True)
    if settings.json:
        runs = [
            {"log": str(one.run.path), "findings": [finding._asdict() for finding in one.findings]} for one in reports
        ]
        to_stdout(json.dumps({"report": str(out / PAGE), "runs": runs}))
