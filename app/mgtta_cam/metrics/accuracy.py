"""Accuracy of one model and of two models compared, in bounded memory however long the run."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mgtta_cam.types import Score, Verdict

RECENT = 200  # labeled frames in the running accuracy
CURVE_POINTS = 120
NORMAL_95 = 1.959964  # normal quantile of a 95 % interval


def wilson(correct: float, n: float, z: float = NORMAL_95) -> tuple[float, float]:
    """Returns Wilson's score interval of a proportion, (low, high), both 0..1; (0, 1) if n is 0.

    Args:
        correct: successes, 0..n.
        n: trials.
        z: normal quantile of the confidence; the default gives 95 %.

    Reference: E. B. Wilson, JASA 22 (1927), 209-212. Unlike the normal approximation it stays within 0..1 and
    does not collapse to a point at 0 or n successes.
    """
    if not 0 <= correct <= n:
        raise ValueError(f"correct must be in 0..n, got {correct} of {n}")
    if n == 0:
        return 0.0, 1.0
    share, z2 = correct / n, z * z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


class Accuracy:
    """Running accuracy of one model: over all labeled frames, over the last 200, and the latter as a curve over time.

    The curve has a point every `stride` frames; when it is full, every second point is removed and the stride
    doubles, so that it always spans the whole run in at most 120 points.
    """

    def __init__(self) -> None:
        self.n = 0
        self.correct = 0.0
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._recent_correct = 0.0
        self._curve: list[float] = []
        self._stride = 1

    def update(self, correct: float) -> None:
        """Counts one labeled frame: 1 if it was classified correctly, 0 if not, or an estimate in 0..1."""
        if len(self._recent) == RECENT:
            self._recent_correct -= self._recent[0]
        self._recent.append(correct)
        self._recent_correct += correct
        self.n += 1
        self.correct += correct
        if self.n % self._stride == 0:
            self._curve.append(self._recent_correct / len(self._recent))
            if len(self._curve) == CURVE_POINTS:
                self._curve = self._curve[1::2]  # the points at multiples of the new stride
                self._stride *= 2

    def score(self, by: Literal["labels", "teacher", "estimate"] = "labels") -> Score | None:
        """Returns the accuracy so far and what it is based on; None before the first frame."""
        if self.n == 0:
            return None
        recent = self._recent_correct / len(self._recent)
        now = () if self.n % self._stride == 0 else (recent,)
        return Score(self.n, self.correct / self.n, recent, (*self._curve, *now), by)

    def interval(self) -> tuple[float, float]:
        """Returns the 95 % Wilson interval of the overall accuracy."""
        return wilson(self.correct, self.n)


class Paired:
    """Tests which of two models is right more often, scene by scene.

    Neighboring frames are alike, so they are not independent trials. A scene is a run of at most SCENE frames of one
    class, and counts once, for the model that was right more often in it. The test is McNemar's, exact (Q. McNemar,
    Psychometrika 12 (1947), 153-157): under the null hypothesis, each scene favors either model like a coin toss.
    """

    SCENE = 30
    EXACT = 2000  # the most scenes for which binomials are summed

    def __init__(self) -> None:
        self._better = self._worse = 0
        self._class: int | None = None
        self._length = self._lead = 0

    def update(self, truth: int, adapted: bool, frozen: bool) -> None:
        """Counts one frame of class `truth`, and whether each model was right."""
        if truth != self._class or self._length == self.SCENE:
            self._better, self._worse = self._counts()
            self._class, self._length, self._lead = truth, 0, 0
        self._length += 1
        self._lead += int(adapted) - int(frozen)

    def verdict(self) -> Verdict:
        """Returns the result so far."""
        better, worse = self._counts()
        return Verdict(better, worse, coin(better, worse))

    def _counts(self) -> tuple[int, int]:
        return self._better + (self._lead > 0), self._worse + (self._lead < 0)


@lru_cache(maxsize=4)  # called for each frame, but changes only with scenes
def coin(heads: int, tails: int) -> float:
    """Returns the two-sided p-value, 0..1, of a fair coin's tosses; above 2,000 tosses, the normal approximation."""
    n, few = heads + tails, min(heads, tails)
    if n <= Paired.EXACT:
        return min(1.0, 2 * sum(math.comb(n, k) for k in range(few + 1)) / 2**n)
    return math.erfc((n / 2 - few - 0.5) / math.sqrt(n / 2))


@dataclass(slots=True)
class Tally:
    """How often two models are right about the same frames."""

    n: int = 0  # frames
    adapted: int = 0  # frames that the adapted model classified correctly
    compared: int = 0  # frames that the frozen model classified too
    frozen: int = 0  # frames that it classified correctly

    def update(self, adapted: bool, frozen: bool | None) -> None:
        """Counts one frame; `frozen` is None where the frozen model did not run."""
        self.n += 1
        self.adapted += adapted
        if frozen is not None:
            self.compared += 1
            self.frozen += frozen


def running_mean(values: NDArray[np.generic], over: int) -> NDArray[np.float64]:
    """Returns, for each of [n] values, the mean of the finite ones among the last `over` values, [n]."""
    values = values.astype(np.float64)
    finite = np.isfinite(values)
    sums, counts = (np.concatenate(([0.0], np.cumsum(v))) for v in (np.where(finite, values, 0.0), finite))
    end = np.arange(1, len(values) + 1)
    first = np.maximum(0, end - over)
    with np.errstate(invalid="ignore"):
        return (sums[end] - sums[first]) / (counts[end] - counts[first])
