"""Delays between attempts."""

from __future__ import annotations

import random
from itertools import islice

import pytest

from mgtta_cam.sources.backoff import Backoff

CHANCE = random.Random(0)  # noqa: S311  not a secret


def test_delays_double_up_to_the_longest() -> None:
    """Each delay is 50 to 100 % of 1, 2, 4, ... s; after a hundred attempts it is still the longest."""
    waits = list(islice(Backoff(first_s=1, longest_s=30).waits(CHANCE), 2000))
    for attempt, wait in enumerate(waits):
        whole = min(30.0, 2.0 ** min(attempt, 9))
        assert whole / 2 <= wait <= whole
    assert len(set(waits)) == len(waits)


def test_attempts_can_be_counted() -> None:
    """There are exactly as many delays as attempts."""
    assert len(list(Backoff(attempts=3).waits(CHANCE))) == 3


@pytest.mark.parametrize("wrong", [{"first_s": 0}, {"first_s": 5, "longest_s": 4}, {"attempts": -1}])
def test_senseless_delays_are_errors(wrong: dict[str, float]) -> None:
    """The error says what is expected."""
    with pytest.raises(ValueError, match="0 < first_s <= longest_s"):
        Backoff(**wrong)  # pyright: ignore[reportArgumentType]
