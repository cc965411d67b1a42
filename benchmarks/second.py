"""Break down one second of a stream: `python -m benchmarks.second --model demo`. A 720p file, adapting, logged.

Prints the frames of the average second, and the milliseconds that each part took. Parts overlap, so they can add up to
more than a second.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from mgtta_cam.assembly.model import load_model
from mgtta_cam.assembly.session import play_run
from mgtta_cam.bench.speed.streams import SIZES, played, written
from mgtta_cam.cli.main import leave
from mgtta_cam.config import loading

PARTS = ("decode", "corrupt", "prep", "infer", "adapt", "draw")


def main() -> None:
    """Run and print a row for each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--weights")
    parser.add_argument("--method", default="mgtta")
    parser.add_argument("--rounds", type=int, default=3, help="how many times to play the clip of 200 frames")
    options = parser.parse_args()
    settings = loading.load({"model": options.model, "weights": options.weights}, environment={})
    with tempfile.TemporaryDirectory() as folder:
        clip = written(Path(folder) / "clip.mp4", SIZES["720p"])
        way: dict[str, Any] = {"source": str(clip), "loop": options.rounds, "log": f"{folder}/a.jsonl"}
        way |= {"corrupt": "gaussian_noise:5", "corrupt_on": "crop", "adapt": "background", "method": options.method}
        outcome, drawn = played(settings, way, load_model(settings), play_run)
    seconds, frames, updates = (outcome.summary[name] for name in ("seconds", "frames", "updates"))
    print(f"{frames / seconds:.1f} frames and {updates / seconds:.2f} updates per second; ms per second by part:")
    for part in PARTS:
        ms = sum(drawn.ms[part])
        print(f"  {part:8}{ms / seconds:7.0f}   {ms / frames:6.2f} per frame")


if __name__ == "__main__":
    main()
    leave(0)
