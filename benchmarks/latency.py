"""Measure what updates cost in latency: `python -m benchmarks.latency`. Prints a table in ms, without a verdict.

The same stretch of the demo's clip is played at the same rate without updates, with inline and with background
updates, in rounds, so that all run under the same conditions.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from functools import reduce
from operator import getitem
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

CLIP = Path(__file__).resolve().parents[1] / "samples" / "clip.mp4"
NOISE = ["--corrupt", "gaussian_noise:5", "--corrupt-on", "crop"]  # on clean pictures there is nothing to adapt to
WAYS = {
    "no updates": ["--method", "none"],
    "inline": ["--adapt", "inline"],
    "background": ["--adapt", "background"],
    "background, auto": ["--adapt", "background", "--updates-per-window", "auto"],
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20)
    known, options = parser.parse_known_args()  # other options, such as --model, go to the command
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in WAYS}
    for _ in range(known.rounds):
        for name, way in WAYS.items():
            results[name].append(measured(known.seconds, [*options, *way]))
    table = Table("updates", "updates", "fps")
    for what in ("answer", "age"):  # within the loop; and since the frame was due
        for column in ("p50", "p99", "p99 over none"):
            table.add_column(f"{what} {column}", justify="right")
    for name, runs in results.items():
        row = [f"{typical(runs, 'updates'):g}", f"{typical(runs, 'fps'):.1f}"]
        for times in ("latency_ms", "age_ms"):
            p50, p99 = typical(runs, times, "p50"), typical(runs, times, "p99")
            row += [f"{p50:.1f}", f"{p99:.1f}", f"{p99 / typical(results['no updates'], times, 'p99'):.2f}"]
        table.add_row(name, *row)
    Console(width=140).print(table)


def typical(runs: list[dict[str, Any]], *path: str) -> float:
    """The median of a figure over rounds."""
    return median(reduce(getitem, path, run) for run in runs)  # pyright: ignore[reportArgumentType]  nested JSON


def measured(seconds: float, options: list[str]) -> dict[str, Any]:
    """The summary of one run."""
    command = [
        sys.executable,
        "-m",
        "mgtta_cam.cli.main",
        "--source",
        str(CLIP),
        "--realtime",
        "--duration",
        str(seconds),
    ]
    words = ["--model", "demo", *NOISE, "--no-show", "--quiet", "--json", *options]
    return json.loads(subprocess.run([*command, *words], check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main()
