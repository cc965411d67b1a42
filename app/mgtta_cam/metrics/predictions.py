"""Figures of one prediction: its most probable classes, confidence, entropy, probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_P = 0.05  # lowest probability that is listed after the first class


def top(logits: NDArray[np.float32], classes: Sequence[str], k: int) -> list[list[Any]]:
    """Returns the k most probable classes, [[name, probability], ...]; those after the first have at least LEAST_P."""
    p = probabilities(logits)
    first = ranking(p, k)
    return [[classes[i], round(float(p[i]), 3)] for at, i in enumerate(first) if at == 0 or p[i] >= LEAST_P]


def ranking(p: NDArray[np.float64], k: int) -> list[int]:
    """The k most probable of [c] classes, most probable first; equal ones keep the order of the classes."""
    return np.argsort(-p, kind="stable")[:k].tolist()


def entropy(logits: NDArray[np.float32]) -> float:
    """Returns the entropy of a prediction, in nats; NaN where logits are not finite."""
    p = probabilities(logits)
    return float(-(p * np.log(np.maximum(p, 1e-30))).sum())


def confidence(logits: NDArray[np.float32]) -> float:
    """Returns the probability of the most probable of [c] classes; 0 where logits are not finite.

    Its mean estimates accuracy without labels ("average confidence", a baseline of arXiv 2201.04234). The estimate is
    right for a calibrated model, and too high for one that has become more confident without being right more often.
    """
    return float(np.nan_to_num(probabilities(logits).max()))


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the softmax of logits [c]; NaN where logits are not finite."""
    shifted = logits.astype(np.float64)
    shifted = np.exp(shifted - shifted.max()) if np.isfinite(shifted).all() else np.full_like(shifted, np.nan)
    return shifted / shifted.sum()
