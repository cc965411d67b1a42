"""Intervals are over pictures, however often each was shown."""

from __future__ import annotations

import numpy as np
import pytest

from mgtta_cam.bench.intervals import encoded, half_width, of_share, scores
from mgtta_cam.metrics.accuracy import wilson


def test_one_answer_a_picture_is_wilson() -> None:
    """Pictures that were never shown do not count."""
    assert of_share([1, 0, 1, 0, 0], [1, 1, 1, 1, 0]) == wilson(2, 4)
    assert of_share([0, 0], [0, 0]) == (0.0, 1.0)


def test_frames_of_a_picture_are_no_further_pictures() -> None:
    """Thirty frames that are all right or all wrong count as one; independent ones count nearly as thirty."""
    hits = np.random.RandomState(0).randint(0, 2, 200)
    assert of_share((30 * hits).tolist(), [30] * 200) == pytest.approx(of_share(hits.tolist(), [1] * 200), abs=0.002)
    spread = np.random.RandomState(1).binomial(30, 0.5, 200)
    low, high = of_share(spread.tolist(), [30] * 200)
    expected = wilson(int(spread.sum()), 6000)
    assert high - low == pytest.approx(expected[1] - expected[0], rel=0.2)
    assert of_share([30] * 5, [30] * 5) == wilson(5, 5)


def test_scores_of_pictures() -> None:
    """Scores are means over rows; a picture that a row lacks has none."""
    rows = [encoded([1, 0, 1], [1, 1, 1]), encoded([0, 0, 0], [1, 1, 0])]
    assert rows == ["101", "00-"]
    found = scores(rows)
    assert found is not None
    assert found[:2].tolist() == [0.5, 0.0]
    assert np.isnan(found[2])
    assert scores(["101", ""]) is scores(["101", "10"]) is scores([]) is None


def test_the_same_pictures_under_many_corruptions() -> None:
    """If all rows are equal, their mean is as uncertain as one of them, and their difference is certain."""
    row = "".join(map(str, np.random.RandomState(0).randint(0, 2, 400)))
    one, many = scores([row]), scores([row] * 15)
    assert one is not None
    assert many is not None
    assert half_width(many) == pytest.approx(half_width(one)) == pytest.approx(0.049, abs=0.001)
    assert half_width(many - one) == 0
