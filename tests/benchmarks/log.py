"""What the log costs: `python -m tests.benchmarks.log`. Bytes and milliseconds a frame, and their share of a run."""

from __future__ import annotations

import argparse
import gzip
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import app.teaching
from app import build, config
from app.controls import Controls
from app.demo import CLIP
from app.log import lines
from app.session import play

BASE = {"source": str(CLIP), "model": "demo", "show": False, "quiet": True}
NOISE = {"corrupt_schedule": "0:clean 150:gaussian_noise:5 300:fog:5", "corrupt_on": "crop"}
RUNS: dict[str, dict[str, Any]] = {
    "plain": {},
    "noise": NOISE,
    "noise, background lessons": {**NOISE, "adapt": "background"},
    "noise, split view": {**NOISE, "compare": "split"},
}


class Timed:
    """Adds up the time that a function takes."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.seconds = 0.0

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Calls it."""
        began = time.perf_counter()
        try:
            return self._function(*args, **options)
        finally:
            self.seconds += time.perf_counter() - began


def measured(name: str, options: dict[str, Any], frames: int, folder: Path) -> list[str]:
    """One run, as a row of the table."""
    path = folder / f"{name}.jsonl"
    settings = config.load({**BASE, **options, "max_frames": frames, "log": path}, environment={})
    session = build.session(settings, ["benchmark"], Controls(), lambda *_, **__: None)
    assert session.journal is not None
    write = Timed(session.journal.write)
    traces = Timed(app.teaching.traces)
    session.journal.write = write  # pyright: ignore[reportAttributeAccessIssue]
    app.teaching.traces = traces
    began = time.perf_counter()
    outcome = play(session)
    seconds = time.perf_counter() - began
    app.teaching.traces = traces._function
    assert outcome.exit_code == 0
    sizes: Counter[str] = Counter()
    for line, record in lines(path):
        sizes[record["type"]] += len(line.encode())
    packed = len(gzip.compress(path.read_bytes()))
    cost = write.seconds + traces.seconds
    return [
        name,
        f"{sizes.total() / frames:.0f}",
        f"{sizes['frame'] / frames:.0f}",
        f"{packed / frames:.0f}",
        f"{1000 * write.seconds / frames:.3f}",
        f"{1000 * seconds / frames:.2f}",
        f"{cost / seconds:.2%}",
    ]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=600)
    frames = parser.parse_args().frames
    table = Table(title=f"the log of {frames} frames, {os.cpu_count()} processors")
    for heading in ("run", "bytes a frame", "its own line", "all, packed", "ms a frame", "of", "share of the time"):
        table.add_column(heading, justify="left" if heading == "run" else "right")
    with tempfile.TemporaryDirectory() as folder:
        for name, options in RUNS.items():
            table.add_row(*measured(name, options, frames, Path(folder)))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
