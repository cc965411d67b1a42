"""Time each corruption: `python -m benchmarks.corruptions`. Prints a table, without a verdict.

One thread; medians over rounds after one warm-up round. The reference's times were measured on another machine (AMD
EPYC, one core, shared), so the ratio is rough.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from mgtta_cam.corruptions import CORRUPTIONS, Corruptor, corrupt, warm_up
from mgtta_cam.types import Image
from tests.mgtta_cam.corruptions.pinned import picture

REFERENCE_MS = {  # severity 3 and 5, ImageNet-C's own script on a 224 x 224 picture
    "gaussian_noise": (2.1, 2.1),
    "shot_noise": (8.3, 5.4),
    "impulse_noise": (3.6, 4.3),
    "defocus_blur": (1.7, 2.2),
    "glass_blur": (666.0, 419.0),
    "motion_blur": (47.0, 56.0),
    "zoom_blur": (45.0, 50.0),
    "snow": (28.0, 33.0),
    "frost": (4.2, 4.1),
    "fog": (1.3, 1.3),
    "brightness": (11.1, 10.9),
    "contrast": (1.2, 1.2),
    "elastic_transform": (10.6, 10.7),
    "pixelate": (0.39, 0.34),
    "jpeg_compression": (0.28, 0.27),
    "speckle_noise": (2.4, 2.4),
    "gaussian_blur": (2.2, 5.3),
    "spatter": (4.3, 2.8),
    "saturate": (11.0, 10.9),
}
HEADINGS = (
    "reference draws s3",
    "s5",
    "fast draws s3",
    "s5",
    "stream s3",
    "s5",
    "stream 1280x720 s3",
    "s5",
    "ImageNet-C script s5",
    "script / fast",
)
SHARED_PICTURE = Path(__file__).resolve().parents[2] / "shared" / "goldens" / "corruptions" / "inputs.npz"


def sample_picture() -> Image:
    """The goldens' first photograph if it is available, else a drawn picture; uint8 [224, 224, 3]."""
    if not SHARED_PICTURE.is_file():
        return picture()
    with np.load(SHARED_PICTURE) as inputs:
        return inputs["img0"]


def milliseconds(run: Callable[[int], object], rounds: int) -> float:
    """Median time of `run(round)`."""
    run(0)
    times = []
    for i in range(rounds):
        start = time.perf_counter()
        run(i)
        times.append((time.perf_counter() - start) * 1e3)
    return median(times)


def measure(name: str, image: Image, rounds: int) -> list[float]:
    """Time one corruption; milliseconds in the order of the headings."""
    large = np.asarray(cv2.resize(image, (1280, 720), interpolation=cv2.INTER_CUBIC), np.uint8)
    rng = np.random.RandomState(0)
    small_stream, large_stream = Corruptor(scale="fidelity"), Corruptor(scale="display")
    runs: list[Callable[[int, int], object]] = [
        lambda severity, _: corrupt(image, name, severity, rng, draws="reference"),
        lambda severity, _: corrupt(image, name, severity, rng, draws="fast"),
        lambda severity, i: small_stream.apply(image, name, severity, i),
        lambda severity, i: large_stream.apply(large, name, severity, i),
    ]
    found = [milliseconds(lambda i, s=s, run=run: run(s, i), rounds) for run in runs for s in (3, 5)]
    return [*found, REFERENCE_MS[name][1], REFERENCE_MS[name][1] / found[3]]


def main() -> None:
    """Measure all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="timed runs per cell")
    parser.add_argument("names", nargs="*", default=list(CORRUPTIONS), help="corruptions; all by default")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    warm_up()
    table = Table("ms per frame", *HEADINGS)
    rows = []
    for name in arguments.names:
        rows.append(measure(name, sample_picture(), arguments.rounds))
        table.add_row(name, *(f"{value:.2f}" for value in rows[-1]))
    sums = [sum(column) for column in zip(*rows, strict=True)]
    table.add_row("sum", *(f"{value:.1f}" for value in (*sums[:-1], sums[-2] / sums[3])))
    Console(width=170).print(table)


if __name__ == "__main__":
    main()
