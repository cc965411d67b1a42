"""Running figures compared with figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgtta_cam.metrics.accuracy import CURVE_POINTS, RECENT, Accuracy, Tally, wilson
from mgtta_cam.metrics.calibration import Calibration
from mgtta_cam.metrics.latency import Percentiles, Rate


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [(8, 10, 0.49016, 0.94333), (0, 10, 0.0, 0.27754), (10, 10, 0.72246, 1.0), (500, 1000, 0.46907, 0.53093)],
)
def test_wilson_interval(correct: int, n: int, low: float, high: float) -> None:
    """The 95 % score interval has the published values, also at both ends, where the normal approximation fails."""
    assert wilson(correct, n) == pytest.approx((low, high), abs=2e-5)


def test_wilson_without_trials() -> None:
    """Without trials, every proportion is possible; more successes than trials are an error."""
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match=r"0\.\.n"):
        wilson(3, 2)


def test_accuracy_before_the_first_label() -> None:
    """Without a labeled frame, the score is None and not 0."""
    assert Accuracy().score() is None


def test_accuracy_counts_all_and_recent() -> None:
    """300 wrong answers, then 100 right ones: a quarter of all, half of the last 200."""
    accuracy = Accuracy()
    for i in range(400):
        accuracy.update(i >= 300)
    score = accuracy.score()
    assert score is not None
    assert (score.n, score.overall, score.recent) == (400, 0.25, 0.5)
    assert accuracy.interval() == wilson(100, 400)


def test_accuracy_curve_begins_with_every_frame() -> None:
    """While it is short, the curve holds the running accuracy after each frame."""
    accuracy = Accuracy()
    for correct in (True, False, True, True):
        accuracy.update(correct)
    score = accuracy.score()
    assert score is not None
    assert score.curve == pytest.approx((1, 1 / 2, 2 / 3, 3 / 4))


@given(st.integers(1, 5000))
def test_accuracy_curve_is_bounded_and_ends_now(n: int) -> None:
    """The curve has at most 120 points, however long the run; the last is the current accuracy."""
    accuracy = Accuracy()
    for i in range(n):
        accuracy.update(i % 3 == 0)
    score = accuracy.score()
    assert score is not None
    assert 1 <= len(score.curve) <= CURVE_POINTS
    assert score.curve[-1] == score.recent


def test_accuracy_curve_spans_the_whole_run() -> None:
    """If a model becomes right halfway through a long run, the curve crosses 50 % in its middle."""
    accuracy, n = Accuracy(), 20_000
    for i in range(n):
        accuracy.update(i >= n // 2)
    score = accuracy.score()
    assert score is not None
    crossing = next(i for i, share in enumerate(score.curve) if share >= 0.5) / len(score.curve)
    assert crossing == pytest.approx(0.5, abs=1.5 / len(score.curve) + RECENT / n)


def test_calibration_error_by_hand() -> None:
    """The bins give |1/2 - 0.9| for two of four predictions, |1 - 0.55| and |0 - 0.35| for one each."""
    calibration = Calibration()
    for confidence, correct in ((0.9, True), (0.9, False), (0.55, True), (0.35, False)):
        calibration.update(confidence, correct)
    assert calibration.ece() == pytest.approx((2 * 0.4 + 0.45 + 0.35) / 4)


def test_calibration_gaps_cancel_only_within_a_bin() -> None:
    """0.61 wrong and 0.65 right share a bin of width 1/15, 0.61 wrong and 0.95 right do not."""
    same, apart = Calibration(), Calibration()
    for calibration, second in ((same, 0.65), (apart, 0.95)):
        calibration.update(0.61, False)
        calibration.update(second, True)
    assert same.ece() == pytest.approx(abs(1 - 1.26) / 2)
    assert apart.ece() == pytest.approx((0.61 + 0.05) / 2)


def test_calibration_edges() -> None:
    """Probabilities of exactly 0 and 1 count, values outside are an error; without predictions, there is no ECE."""
    calibration = Calibration()
    assert calibration.ece() is None
    calibration.update(1.0, True)
    calibration.update(0.0, False)
    assert calibration.ece() == 0.0
    with pytest.raises(ValueError, match=r"0\.\.1"):
        calibration.update(1.01, True)


@given(st.lists(st.floats(0.01, 50_000), min_size=1, max_size=300), st.sampled_from([0, 5, 50, 95, 99, 100]))
def test_percentiles_agree_with_sorting(durations: list[float], percent: int) -> None:
    """The histogram's percentile is within its promised half percent of the exact one."""
    percentiles = Percentiles()
    for ms in durations:
        percentiles.update(ms)
    exact = float(np.percentile(durations, percent, method="inverted_cdf"))
    assert percentiles.at(percent) == pytest.approx(exact, rel=0.005)


def test_percentiles_edges() -> None:
    """Without values there is no percentile; extreme durations count at the ends; the largest is exact."""
    percentiles = Percentiles()
    assert percentiles.at(50) is None
    percentiles.update(0.0)
    percentiles.update(3e7)
    assert percentiles.at(0) == Percentiles.LOWEST_MS
    assert percentiles.at(100) == pytest.approx(Percentiles.HIGHEST_MS, rel=0.01)
    assert percentiles.max_ms == 3e7
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="duration"):
            percentiles.update(wrong)
    with pytest.raises(ValueError, match=r"0\.\.100"):
        percentiles.at(101)


def test_rate_of_a_steady_stream() -> None:
    """Thirty events per second give a rate of 30 from the second event on."""
    rate = Rate()
    rates = [rate.update(100 + i / 30) for i in range(90)]
    assert rates[0] == 0.0
    assert rates[1:] == pytest.approx([30.0] * 89)


def test_rate_forgets_what_is_older_than_its_window() -> None:
    """After a change from 10 to 40 events per second, the rate is 40 once the window has passed."""
    rate = Rate(window=1.0)
    for i in range(100):
        rate.update(i / 10)
    rates = [rate.update(9.9 + i / 40) for i in range(1, 81)]
    assert rates[-1] == pytest.approx(40.0)


def test_rate_of_a_slow_stream() -> None:
    """One event in five seconds, longer than the window, still has a rate; equal times have none."""
    rate = Rate(window=2.0)
    assert rate.update(0.0) == 0.0
    assert rate.update(0.0) == 0.0
    assert [rate.update(t) for t in (5.0, 10.0, 15.0)][-1] == pytest.approx(0.2)


def test_tally() -> None:
    """The frozen model's predictions are counted only where there are any."""
    tally = Tally()
    for adapted, frozen in ((True, False), (True, True), (False, None)):
        tally.update(adapted, frozen)
    assert tally == Tally(n=3, adapted=2, compared=2, frozen=1)
