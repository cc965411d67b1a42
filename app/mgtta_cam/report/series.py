"""Curves that a picture can hold: running means, thinned points, stretches of one corruption."""

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

POINTS = 600  # of a curve


class Stretch(NamedTuple):
    """Neighbors of one kind."""

    first: int
    end: int  # one past the last
    kind: int


class Share(NamedTuple):
    """Right answers under one corruption, or under all."""

    name: str
    n: int  # frames
    labeled: int
    adapted: float  # 0..1 of the labeled; NaN where none is
    frozen: float  # 0..1 of those that the frozen model answered too
    compared: int  # how many those are
    both: float  # 0..1: the adapted model's share of just those
    same: float  # 0..1 of the frames that both answered
    entropy: float  # nats, mean
    won: int  # frozen wrong, adapted right
    lost: int  # frozen right, adapted wrong

    @property
    def gain(self) -> float:
        """Of adapting, -1..1, over frames that both answered."""
        return self.both - self.frozen

    @property
    def noise(self) -> float:
        """Of the gain: what chance alone explains, at 95 %, were each frame a draw of its own."""
        return 1.96 * math.sqrt(self.won + self.lost) / self.compared if self.compared else math.nan


def thinned(*columns: NDArray[np.generic], most: int = POINTS) -> list[Floats]:
    """Columns [n] -> [at most `most`]: means of as many neighbors as it takes, NaN left out."""
    n = len(columns[0])
    if n <= most:
        return [column.astype(np.float64) for column in columns]
    return [grouped(column, np.mean, most) for column in columns]


def grouped(column: NDArray[np.generic], how: Callable[[Floats], Any], most: int = POINTS) -> Floats:
    """[n] -> [at most `most`]: mean, maximum or the like of the finite values of neighbors; NaN where none is."""
    edges = np.linspace(0, len(column), min(most, len(column)) + 1).astype(int)
    values = column.astype(np.float64)
    groups = (values[a:b][np.isfinite(values[a:b])] for a, b in pairwise(edges))
    return np.array([how(group) if len(group) else np.nan for group in groups])


def stretches(kinds: NDArray[np.integer]) -> list[Stretch]:
    """Where neighbors are of one kind."""
    if not len(kinds):
        return []
    edges = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(kinds)]
    return [Stretch(a, b, int(kinds[a])) for a, b in pairwise(edges)]


def shares(run: Run) -> list[Share]:
    """By corruption, in order of appearance."""
    present = list(dict.fromkeys(stretch.kind for stretch in stretches(run.frames.corruption)))
    return [share(run, run.corruptions[kind], run.frames.corruption == kind) for kind in present]


def share(run: Run, name: str, chosen: NDArray[np.bool_] | None = None) -> Share:
    """Of some frames; of all where none are given."""
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
    """Of the finite ones; NaN where there is none."""
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else math.nan


def percentile(values: Floats, percent: float) -> float:
    """The smallest finite value that `percent` of all do not exceed, as the log has it; NaN where there is none."""
    values = values[np.isfinite(values)]
    return float(np.percentile(values, percent, method="inverted_cdf")) if len(values) else math.nan


def waits(run: Run) -> Floats:
    """[frames] How long each took, ms: its age when shown, of files the time for its answer."""
    return run.frames.age_ms if np.isfinite(run.frames.age_ms).any() else run.frames.infer_ms


class Reliability(NamedTuple):
    """How sure a model is, and how right: by bin of confidence."""

    ece: float  # 0..1
    confidence: Floats  # [bins that hold any]
    accuracy: Floats
    n: Floats


def reliability(p: Floats, right: NDArray[np.bool_]) -> Reliability | None:
    """Of labeled answers; None where there are none."""
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
