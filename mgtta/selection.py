"""Which pictures of a window are reliable enough to teach."""

from __future__ import annotations

import math


def entropy_margin(nats: float | None, share: float, classes: int, name: str) -> float:
    """Below which entropy a picture counts as reliable: `nats`, or by default `share` of the largest entropy, ln C.

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
    """The value, if it lies strictly between both.

    Raises:
        ValueError: says why it has to.
    """
    if not low < value < high:
        raise ValueError(f"{name} is expected between {low:g} and {high:g}, {why}; got {value:g}")
    return value
