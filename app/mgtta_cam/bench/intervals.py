"""95 % intervals over pictures, which are the independent samples.

One picture under fifteen corruptions, or in thirty frames, does not count as fifteen or thirty pictures: predictions
for one picture are added up first, and pictures are compared with pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mgtta_cam.metrics.accuracy import NORMAL_95, wilson

DIGITS = "0123456789abcdefghijklmnopqrstuv"  # number of correct predictions for a picture
NEVER = "-"  # the picture was not shown, or does not decode


def encoded(hits: Sequence[int], shots: Sequence[int]) -> str:
    """Encode hits as one character per picture: its number of correct predictions, up to 31."""
    return "".join(DIGITS[hit] if shot else NEVER for hit, shot in zip(hits, shots, strict=True))


def of_share(hits: Sequence[int], shots: Sequence[int]) -> tuple[float, float]:
    """Wilson's interval of hits among shots, 0..1, with the effective number of independent trials."""
    h, s = np.asarray(hits, float), np.asarray(shots, float)
    h, s = h[s > 0], s[s > 0]
    n, pictures = s.sum(), len(s)
    if pictures == 0 or s.max() == 1:
        return wilson(int(h.sum()), int(n))
    share = h.sum() / n
    variance = np.square(h - share * s).sum() / n**2 * pictures / max(1, pictures - 1)  # of a ratio, clustered
    trials = min(n, share * (1 - share) / variance) if variance else pictures
    return wilson(share * trials, trials)


def scores(rows: Sequence[str]) -> NDArray[np.float64] | None:
    """Mean hits per picture over rows as written by `encoded`; NaN where a row has none.

    Returns:
        None if rows are missing or belong to different pictures.
    """
    if not rows or not all(rows) or len({len(row) for row in rows}) > 1:
        return None
    each = [[float("nan") if sign == NEVER else int(sign, len(DIGITS)) for sign in row] for row in rows]
    return np.asarray(each, float).mean(axis=0)


def half_width(scores: NDArray[np.float64]) -> float:
    """Half width of the mean's 95 % interval, over the pictures that have a score."""
    known = scores[~np.isnan(scores)]
    return float(NORMAL_95 * known.std(ddof=1) / len(known) ** 0.5) if len(known) > 1 else float("nan")
