"""Which pictures of a window are reliable enough to learn from: margins that can act."""

from __future__ import annotations

import math


def entropy_margin(nats: float | None, share: float, classes: int, name: str) -> float:
    """The entropy below which a picture counts as reliable.

    Args:
        nats: the margin; by default `share` of the largest entropy, ln C.
        share: 0..1.
        classes: C.
        name: of the margin, for the error.

    Raises:
        ValueError: if the filter could never act: at 0 it keeps nothing, at ln C everything.
    """
    largest = math.log(classes)
    margin = share * largest if nats is None else nats
    if not 0 < margin < largest:
        raise ValueError(
            f"{name} is expected between 0, which keeps no picture, and ln {classes} = {largest:.3f} nats, which keeps "
            f"every one; got {margin:.4g}"
        )
    return margin


def within(value: float, low: float, high: float, name: str, why: str) -> float:
    """The value, if it lies strictly between both limits.

    Raises:
        ValueError: if it does not; the message says why it has to.
    """
    if not low < value < high:
        raise ValueError(f"{name} is expected between {low:g} and {high:g}, {why}; got {value:g}")
    return value
