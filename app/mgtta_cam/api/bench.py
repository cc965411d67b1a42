"""`mgtta_cam.bench`: methods against corruptions on labeled pictures, as rows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mgtta_cam.config import loading
from mgtta_cam.config.settings import MODEL

Values = str | int | Sequence[str] | Sequence[int]
FOLDERS = ("imagenet_c", "imagenet_r", "imagenet_sketch", "imagenet_a")  # further kinds of pictures
BENCH = {*FOLDERS, "count", "skip", "protocol", "max_updates", "max_seconds", "table", "workers"}  # not settings


def bench(
    images: str | os.PathLike[str] | None = None,
    *,
    model: str = MODEL,
    methods: Values | None = None,
    corruptions: Values = "all",
    severity: Values = 5,
    batch: Values | None = None,
    out: str | os.PathLike[str] | None = None,
    **options: Any,
) -> list[dict[str, Any]]:
    """Compares methods under corruptions on labeled pictures, as `mgtta-cam bench` does.

    Example: `pandas.DataFrame(mgtta_cam.bench("pictures", model="demo", methods="none,tent", corruptions="fog"))`.

    Args:
        images: a folder of pictures in folders named by class, or a CSV file `path,class`.
        model: a name of timm's, or `demo`.
        methods: names with options, in a list or separated by commas; plug-ins as `./mine.py:mine`.
        corruptions: names, in a list or separated by commas; `all` or `clean`.
        severity: 1..5, or several.
        batch: pictures a window, 64 by default.
        out: where finished cells are kept, so that the same call goes on; a folder that is removed by default.
        options: `count`, `skip`, `protocol`, `max_updates`, `max_seconds`, `table`, `imagenet_c` and its like,
            `workers`, and all settings of `mgtta-cam bench`.

    Returns:
        A row a method, corruption, severity and batch: the rows of `bench --json`.

    Raises:
        AppError, ModelError: with one line each.
    """
    from rich.console import Console

    from mgtta_cam.assembly.model import load_model
    from mgtta_cam.bench.request import Job, Request
    from mgtta_cam.bench.run import run

    own = {name: options.pop(name) for name in BENCH & options.keys()}
    given = {"images": images, **{kind.replace("_", "-"): own.pop(kind, None) for kind in FOLDERS}}
    folders = {kind: Path(path) for kind, path in given.items() if path is not None}
    settings = loading.load({**options, "model": model}, environment={}, presets={"threads": 1})
    texts = {name: _text(own.get(name)) for name in ("max_updates", "max_seconds")}
    request = Request.parsed(
        methods=_text(methods),
        corruptions=_text(corruptions) or "all",
        severity=_text(severity) or "5",
        batch=_text(batch),
        protocol=own.get("protocol"),
        table=own.get("table"),
        **texts,
    )
    measured = {name: own[name] for name in ("count", "skip", "workers") if name in own}
    with tempfile.TemporaryDirectory() as folder:
        job = Job(folders=folders, out=Path(folder if out is None else out), memory=False, **measured)
        _, rows = run(load_model, request, settings, job, Console(quiet=True))
    return rows


def _text(values: Values | None) -> str | None:
    """Values as the command line has them, separated by commas."""
    return (
        values
        if values is None or isinstance(values, str)
        else ",".join(map(str, values if isinstance(values, Sequence) else [values]))
    )
