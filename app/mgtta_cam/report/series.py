"""Prepare curves for drawing: running means, thinned points, stretches of one corruption."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mgtta_cam.metrics.calibration import Calibration
from mgtta_cam.report.columns import Floats
from mgtta_cam.report.run import Run

POINTS = 600  # per curve


class Stretch(NamedTuple):
    """Consecutive items of one kind."""

    first: int
    end: int  # one past the last
    kind: int


class Share(NamedTuple):
    """Accuracy and agreement under one corruption, or under all."""

    name: str
    n: int  # frames
    labeled: int
    adapted: float  # accuracy 0..1 on labeled frames; NaN if there are none
    frozen: float  # the same of the frozen model, on the labeled frames that it classified too
    compared: int  # number of those frames
    both: float  # the adapted model's accuracy on just those frames
    same: float  # agreement 0..1 on frames that both models classified
    entropy: float  # nats, mean
    won: int  # frozen wrong, adapted right
    lost: int  # frozen right, adapted wrong

    @property
    def gain(self) -> float:
        """Gain in accuracy from adapting, -1..1, on frames that both models classified."""
        return self.both - self.frozen

    @property
    def noise(self) -> float:
        """Gain that chance alone explains at 95 %, if frames were independent."""
        return 1.96 * math.sqrt(self.won + self.lost) / self.compared if self.compared else math.nan


def thinned(*columns: NDArray[np.generic], most: int = POINTS) -> list[Floats]:
    """Thin columns [n] to [at most `most`] by averaging neighbors; NaN is ignored."""
    n = len(columns[0])
    if n <= most:
        return [column.astype(np.float64) for column in columns]
    return [grouped(column, np.mean, most) for column in columns]


def grouped(column: NDArray[np.generic], how: Callable[[Floats], Any], most: int = POINTS) -> Floats:
    """Thin [n] to [at most `most`] by `how`, such as mean or maximum, over neighbors' finite values; NaN if none."""
    edges = np.linspace(0, len(column), min(most, len(column)) + 1).astype(int)
    values = column.astype(np.float64)
    groups = (values[a:b][np.isfinite(values[a:b])] for a, b in pairwise(edges))
    return np.array([how(group) if len(group) else np.nan for group in groups])


def stretches(kinds: NDArray[np.integer]) -> list[Stretch]:
    """Split a column into stretches of one kind."""
    if not len(kinds):
        return []
    edges = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(kinds)]
    return [Stretch(a, b, int(kinds[a])) for a, b in pairwise(edges)]


def shares(run: Run) -> list[Share]:
    """Shares by corruption, in order of appearance."""
    present = list(dict.fromkeys(stretch.kind for stretch in stretches(run.frames.corruption)))
    return [share(run, run.corruptions[kind], run.frames.corruption == kind) for kind in present]


def share(run: Run, name: str, chosen: NDArray[np.bool_] | None = None) -> Share:
    """The share of the chosen frames; of all frames by default."""
    frames = run.frames
    chosen = np.ones(len(frames), bool) if chosen is None else chosen
    labeled = chosen & (frames.right >= 0)
    compared = labeled & (frames.frozen >= 0)
    right, frozen = frames.right == 1, frames.frozen == frames.truth
    return Share(
        name,
        int(chosen.sum()),
        int(labeled.sum()),
        mean(right[labeled]),
        mean(frozen[compared]),
        int(compared.sum()),
        mean(right[compared]),
        mean(frames.same[chosen & (frames.same >= 0)]),
        mean(frames.entropy[chosen]),
        int((compared & right & ~frozen).sum()),
        int((compared & ~right & frozen).sum()),
    )


def mean(values: NDArray[np.generic] | Sequence[float]) -> float:
    """Mean of the finite values; NaN if there are none."""
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else math.nan


def percentile(values: Floats, percent: float) -> float:
    """The smallest finite value that `percent` % of all do not exceed, defined as in the log; NaN if there is none."""
    values = values[np.isfinite(values)]
    return float(np.percentile(values, percent, method="inverted_cdf")) if len(values) else math.nan


def waits(run: Run) -> Floats:
    """[frames] latency in ms: the frame's age when shown; for files, the inference time."""
    return run.frames.age_ms if np.isfinite(run.frames.age_ms).any() else run.frames.infer_ms


class Reliability(NamedTuple):
    """Calibration of a model: confidence and accuracy by bin of confidence."""

    ece: float  # 0..1
    confidence: Floats  # [nonempty bins]
    accuracy: Floats
    n: Floats


def reliability(p: Floats, right: NDArray[np.bool_]) -> Reliability | None:
    """Calibration over labeled predictions; None if there are none."""
    known = np.isfinite(p)
    p, right = np.clip(p[known], 0.0, 1.0), right[known]
    if not len(p):
        return None
    at = np.maximum(
        0, np.ceil(p * Calibration.BINS).astype(int) - 1
    )  # the bins of `mgtta_cam.metrics.calibration.Calibration`
    n, sure, true = (np.bincount(at, weights, Calibration.BINS) for weights in (None, p, right.astype(float)))
    held = n > 0
    ece = float(np.abs(true - sure).sum() / len(p))
    return Reliability(ece, sure[held] / n[held], true[held] / n[held], n[held].astype(float))
