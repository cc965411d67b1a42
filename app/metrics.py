"""Numbers about a run, each kept in bounded memory however long it runs: accuracy, calibration, latency, rate."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

from app.types import Score, Verdict

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


class Calibration:
    """Expected calibration error with 15 bins of equal width: sum over bins of share * |accuracy - confidence|.

    A bin holds confidences in (lower edge, upper edge]; 0 belongs to the first.

    Reference: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks" (arXiv 1706.04599), eq. 3.
    """

    BINS = 15

    def __init__(self) -> None:
        self._n = [0] * self.BINS
        self._correct = [0] * self.BINS
        self._confidence = [0.0] * self.BINS

    def update(self, confidence: float, correct: bool) -> None:
        """Count one labeled answer with its probability, 0..1."""
        if not 0.0 <= confidence <= 1.0:
            raise ValueError(f"confidence must be in 0..1, got {confidence}")
        index = max(0, math.ceil(confidence * self.BINS) - 1)
        self._n[index] += 1
        self._correct[index] += correct
        self._confidence[index] += confidence

    def ece(self) -> float | None:
        """The error, 0..1; None before the first answer."""
        total = sum(self._n)
        if total == 0:
            return None
        gaps = (abs(c - p) for c, p in zip(self._correct, self._confidence, strict=True))
        return sum(gaps) / total


class Percentiles:
    """Percentiles of positive durations in bounded memory: a histogram whose bins grow by 1 % each.

    From 1 microsecond to 1000 seconds (in ms: 1e-3..1e6) a percentile is within 0.5 % of the exact one;
    durations beyond count at the nearer end. The largest is kept exactly.
    """

    LOWEST_MS, HIGHEST_MS, GROWTH = 1e-3, 1e6, 1.01

    def __init__(self) -> None:
        bins = math.ceil(math.log(self.HIGHEST_MS / self.LOWEST_MS, self.GROWTH)) + 1
        self._counts = np.zeros(bins, np.int64)
        self.n = 0
        self.max_ms = 0.0

    def update(self, ms: float) -> None:
        """Count one duration, at least 0 milliseconds."""
        if not (math.isfinite(ms) and ms >= 0):
            raise ValueError(f"a duration must be finite and at least 0 ms, got {ms}")
        within = min(max(ms, self.LOWEST_MS), self.HIGHEST_MS)
        self._counts[round(math.log(within / self.LOWEST_MS, self.GROWTH))] += 1
        self.n += 1
        self.max_ms = max(self.max_ms, ms)

    def at(self, percent: float) -> float | None:
        """The smallest duration that `percent` (0..100) of all do not exceed, in ms; None before the first."""
        if not 0 <= percent <= 100:
            raise ValueError(f"percent must be in 0..100, got {percent}")
        if self.n == 0:
            return None
        rank = max(1, math.ceil(percent / 100 * self.n))
        index = int(np.searchsorted(np.cumsum(self._counts), rank))
        return min(self.LOWEST_MS * self.GROWTH**index, self.max_ms)


class Rate:
    """Events a second over the last `window` seconds. Times come from the caller; no clock is read here."""

    def __init__(self, window: float = 2.0) -> None:
        self._window = window
        self._times: deque[float] = deque()

    def update(self, seconds: float) -> float:
        """Count an event at a time that never goes back, and return the rate now (0 before the second event)."""
        self._times.append(seconds)
        # Two events always stay, so that a slow stream has a rate too.
        while len(self._times) > 2 and self._times[0] < seconds - self._window:
            self._times.popleft()
        span = self._times[-1] - self._times[0]
        return (len(self._times) - 1) / span if span > 0 else 0.0


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
