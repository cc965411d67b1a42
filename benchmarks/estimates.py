"""Measure how reliable label-free estimates are: `python -m benchmarks.estimates`. Prints a table for docs/log.md.

Over labeled frames, it compares the adapted model's true accuracy with its agreement with the teacher (the source model
on clean frames) and with the estimate from its own predictions. Errors are means over stretches of 200 frames.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgtta_cam.assembly.session import play_run
from mgtta_cam.config import loading
from mgtta_cam.config.demo import CLIP
from mgtta_cam.metrics.predictions import confidence
from mgtta_cam.stream.controls import Controls
from mgtta_cam.types import FrameResult

STRETCH = 200  # frames per share, as on the overlay
BASE = {"corrupt_on": "crop", "compare": "split", "show": False, "warmup": 0}


class Recorder:
    """A sink that records correctness, agreement and confidence of each labeled frame."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float, float]] = []

    def write(self, result: FrameResult) -> None:
        """Record a result; on a clean frame the frozen model is the teacher."""
        answer, frozen = result.top1, result.frozen_top1
        assert frozen is not None
        teacher = frozen if result.teacher is None else result.teacher
        if result.frame.label is not None:
            self.rows.append((answer == result.frame.label, answer == teacher, confidence(result.logits)))

    def close(self) -> None:
        """Do nothing: no resource is held."""


def measured(options: dict[str, Any]) -> list[float]:
    """Accuracy, agreement and its mean error, estimate and its mean error of one run, in percent."""
    recorder = Recorder()
    settings = loading.load({**BASE, **options}, environment={})
    outcome = play_run(settings, Controls(), [recorder])
    assert outcome.exit_code == 0, outcome.error
    rows = 100 * np.asarray(recorder.rows, float)
    true, agreement, estimate = rows.T
    return [true.mean(), agreement.mean(), error(true, agreement), estimate.mean(), error(true, estimate)]


def error(true: NDArray[np.float64], estimate: NDArray[np.float64]) -> float:
    """Mean absolute error over stretches."""
    gaps = [
        abs(true[i : i + STRETCH].mean() - estimate[i : i + STRETCH].mean())
        for i in range(0, max(1, len(true) - STRETCH + 1), STRETCH)
    ]
    return float(np.mean(gaps))


def main(words: Sequence[str]) -> None:
    """Print CSV rows as they are measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default=str(CLIP))
    parser.add_argument("--model", default="demo")
    parser.add_argument("--weights")
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--methods", default="none,mgtta,tent,eata,sar")
    parser.add_argument("--corruptions", default="clean,gaussian_noise,defocus_blur,snow,contrast")
    asked = parser.parse_args(words)
    table = csv.writer(sys.stdout)
    table.writerow(["method", "corruption", "true", "agreement", "error", "estimate", "error"])
    common = {"source": asked.source, "model": asked.model, "weights": asked.weights, "max_frames": asked.frames}
    for corruption in asked.corruptions.split(","):
        for method in asked.methods.split(","):
            noise = {} if corruption == "clean" else {"corrupt": f"{corruption}:5"}
            row = measured({**common, **noise, "method": method})
            table.writerow([method, corruption, *(f"{value:.1f}" for value in row)])
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
