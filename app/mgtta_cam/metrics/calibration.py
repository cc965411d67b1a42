"""Expected calibration error: how far a model's confidence is from its accuracy."""

from __future__ import annotations

import math


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
        """Counts one labeled prediction: its probability, 0..1, and whether it was right."""
        if not 0.0 <= confidence <= 1.0:
            raise ValueError(f"confidence must be in 0..1, got {confidence}")
        index = max(0, math.ceil(confidence * self.BINS) - 1)
        self._n[index] += 1
        self._correct[index] += correct
        self._confidence[index] += confidence

    def ece(self) -> float | None:
        """Returns the error, 0..1; None before the first prediction."""
        total = sum(self._n)
        if total == 0:
            return None
        gaps = (abs(c - p) for c, p in zip(self._correct, self._confidence, strict=True))
        return sum(gaps) / total
