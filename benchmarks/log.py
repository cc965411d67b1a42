"""Measure the cost of the log: `python -m benchmarks.log`. Bytes and milliseconds per frame, and share of a run."""

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

import mgtta_cam.adaptation.learner
from mgtta_cam.assembly.session import Outputs, assemble
from mgtta_cam.config import loading
from mgtta_cam.config.demo import CLIP
from mgtta_cam.events import ignore
from mgtta_cam.log.format import lines
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.session import play

BASE = {"source": str(CLIP), "model": "demo", "show": False, "quiet": True}
NOISE = {"corrupt_schedule": "0:clean 150:gaussian_noise:5 300:fog:5", "corrupt_on": "crop"}
RUNS: dict[str, dict[str, Any]] = {
    "plain": {},
    "noise": NOISE,
    "noise, background updates": {**NOISE, "adapt": "background"},
    "noise, split view": {**NOISE, "compare": "split"},
}


class Timed:
    """Sums up the time spent in a function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.seconds = 0.0

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Call the function."""
        began = time.perf_counter()
        try:
            return self._function(*args, **options)
        finally:
            self.seconds += time.perf_counter() - began


def measured(name: str, options: dict[str, Any], frames: int, folder: Path) -> list[str]:
    """Measure one run, as a row of the table."""
    path = folder / f"{name}.jsonl"
    settings = loading.load({**BASE, **options, "max_frames": frames, "log": path}, environment={})
    session = assemble(settings, Controls(), ignore, Outputs(["benchmark"]))
    assert session.journal is not None
    write = Timed(session.journal.write)
    traces = Timed(mgtta_cam.adaptation.learner.traces)
    session.journal.write = write  # pyright: ignore[reportAttributeAccessIssue]
    mgtta_cam.adaptation.learner.traces = traces
    began = time.perf_counter()
    outcome = play(session)
    seconds = time.perf_counter() - began
    mgtta_cam.adaptation.learner.traces = traces._function
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
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=600)
    frames = parser.parse_args().frames
    table = Table(title=f"log of {frames} frames, {os.cpu_count()} CPUs")
    for heading in ("run", "bytes/frame", "frame line", "gzipped", "log ms/frame", "total ms/frame", "share of time"):
        table.add_column(heading, justify="left" if heading == "run" else "right")
    with tempfile.TemporaryDirectory() as folder:
        for name, options in RUNS.items():
            table.add_row(*measured(name, options, frames, Path(folder)))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
