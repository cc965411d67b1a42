"""Accuracy of one model, of two beside each other, and by corruption; in bounded memory however long a run."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mgtta_cam.types import Score, Verdict

RECENT = 200  # labeled frames that the running accuracy looks back on
CURVE_POINTS = 120
NORMAL_95 = 1.959964  # normal quantile of a 95 % interval


def wilson(correct: float, n: float, z: float = NORMAL_95) -> tuple[float, float]:
    """Wilson's score interval of a proportion: (low, high), both 0..1; (0, 1) where nothing is known.

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
    """Running accuracy of one model: over all labeled frames, over the last 200, and the latter as a curve.

    The curve keeps a point every `stride` frames; when it is full, every second point goes and the stride
    doubles. So it always spans the whole run, in at most 120 points.
    """

    def __init__(self) -> None:
        self.n = 0
        self.correct = 0.0
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._recent_correct = 0.0
        self._curve: list[float] = []
        self._stride = 1

    def update(self, correct: float) -> None:
        """Count one labeled frame, 0 or 1; or what stands for that, in 0..1."""
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
        """The figures so far, and what they rest on; None before the first frame."""
        if self.n == 0:
            return None
        recent = self._recent_correct / len(self._recent)
        now = () if self.n % self._stride == 0 else (recent,)
        return Score(self.n, self.correct / self.n, recent, (*self._curve, *now), by)

    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the overall accuracy."""
        return wilson(self.correct, self.n)


class Paired:
    """Which of two models is right more often, told by the scenes of a stream.

    Neighboring frames show the same and go the same way: they are no independent trials. A scene is a stretch of
    frames of one class, at most SCENE of them, and counts once, for the model that was right more often in it. The
    test is McNemar's, exact (Q. McNemar, Psychometrika 12 (1947), 153-157): under the null hypothesis, such a scene
    goes either way like a coin.
    """

    SCENE = 30
    EXACT = 2000  # scenes, up to which binomials are added up

    def __init__(self) -> None:
        self._better = self._worse = 0
        self._class: int | None = None
        self._length = self._lead = 0

    def update(self, truth: int, adapted: bool, frozen: bool) -> None:
        """Counts one frame of that class, answered rightly or not."""
        if truth != self._class or self._length == self.SCENE:
            self._better, self._worse = self._counts()
            self._class, self._length, self._lead = truth, 0, 0
        self._length += 1
        self._lead += int(adapted) - int(frozen)

    def verdict(self) -> Verdict:
        """So far."""
        better, worse = self._counts()
        return Verdict(better, worse, coin(better, worse))

    def _counts(self) -> tuple[int, int]:
        return self._better + (self._lead > 0), self._worse + (self._lead < 0)


@lru_cache(maxsize=4)  # asked with each frame; it changes with scenes
def coin(heads: int, tails: int) -> float:
    """How likely a coin is to fall so unevenly, or more so, either way: 0..1. Beyond 2,000 throws by the normal law."""
    n, few = heads + tails, min(heads, tails)
    if n <= Paired.EXACT:
        return min(1.0, 2 * sum(math.comb(n, k) for k in range(few + 1)) / 2**n)
    return math.erfc((n / 2 - few - 0.5) / math.sqrt(n / 2))


class Tally(NamedTuple):
    """Correct answers of both models under one corruption."""

    corruption: str  # a name in CORRUPTIONS, or "clean"
    severity: int  # 1..5; 0 for clean
    n: int  # labeled frames
    adapted: int  # of these, answered correctly by the adapted model
    compared: int  # of these, answered by the frozen model too
    frozen: int  # of those, answered correctly by it


class Tallies:
    """Counts of correct answers by corruption and severity, for the summary: frozen against adapted."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], Counter[str]] = {}  # in order of first appearance

    def update(self, corruption: tuple[str, int] | None, adapted: bool, frozen: bool | None) -> None:
        """Count one labeled frame; `frozen` is None where the frozen model did not run."""
        counts = self._counts.setdefault(corruption or ("clean", 0), Counter())
        counts.update(n=1, adapted=int(adapted))
        if frozen is not None:
            counts.update(compared=1, frozen=int(frozen))

    def __iter__(self) -> Iterator[Tally]:
        """One row a corruption and severity, in order of first appearance."""
        for (name, severity), c in self._counts.items():
            yield Tally(name, severity, c["n"], c["adapted"], c["compared"], c["frozen"])


def running_mean(values: NDArray[np.generic], over: int) -> NDArray[np.float64]:
    """[n] -> [n]: mean of the last `over` finite values up to each."""
    values = values.astype(np.float64)
    finite = np.isfinite(values)
    sums, counts = (np.concatenate(([0.0], np.cumsum(v))) for v in (np.where(finite, values, 0.0), finite))
    end = np.arange(1, len(values) + 1)
    first = np.maximum(0, end - over)
    with np.errstate(invalid="ignore"):
        return (sums[end] - sums[first]) / (counts[end] - counts[first])
