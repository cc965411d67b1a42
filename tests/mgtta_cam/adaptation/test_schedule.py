"""When updates are due."""

from __future__ import annotations

from typing import Any

import pytest

from mgtta_cam.adaptation.schedule import UpdateSchedule, Window


def due_frames(pace: UpdateSchedule, spare_ms: list[float], cost_ms: float) -> list[int]:
    """The frames, from 1 on, after which an update of so many milliseconds is due."""
    due = []
    for number, spare in enumerate(spare_ms, start=1):
        pace.frame(spare)
        if pace.due:
            pace.restart()
            pace.took(cost_ms)
            due.append(number)
    return due


def test_one_update_a_window() -> None:
    """Whatever it costs, and however busy the loop is."""
    assert due_frames(UpdateSchedule(Window(4)), [0.0] * 12, cost_ms=1000) == [4, 8, 12]


@pytest.mark.parametrize(
    ("updates", "expected"), [(2, [4, 8, 12, 16]), (3, [3, 6, 9, 12, 15]), (8, list(range(1, 17)))]
)
def test_several_updates_are_spread_over_the_window(updates: int, expected: list[int]) -> None:
    """They come at even distances; where these are no whole frames, an update waits for the next."""
    assert due_frames(UpdateSchedule(Window(8, updates=updates)), [0.0] * 16, cost_ms=1000) == expected


def test_spare_time_goes_into_further_updates() -> None:
    """Auto: 30 ms a frame pay for an update of 90 every third frame; the first is paid afterwards."""
    assert due_frames(UpdateSchedule(Window(16, updates=None)), [30.0] * 28, cost_ms=90) == [16, 22, 25, 28]


def test_without_spare_time_a_window_teaches_once() -> None:
    """Auto, behind a source that never lets the loop wait."""
    assert due_frames(UpdateSchedule(Window(16, updates=None)), [0.0] * 48, cost_ms=90) == [16, 32, 48]
    late = [*[0.0] * 480, *[90.0] * 4]
    assert due_frames(UpdateSchedule(Window(16, updates=None)), late, cost_ms=90)[-3:] == [480, 482, 484]


def test_spare_time_is_not_hoarded() -> None:
    """A long pause pays for one update, and a window teaches 8 times at most."""
    assert due_frames(UpdateSchedule(Window(16, updates=None)), [1e6] * 22, cost_ms=90) == [16, 18, 20, 22]
    pause = [*[0.0] * 16, 1e6, *[0.0] * 14]
    assert due_frames(UpdateSchedule(Window(16, updates=None)), pause, cost_ms=90) == [16, 18]


@pytest.mark.parametrize("updates", [1, None])
def test_a_budget_holds_in_the_mean(updates: int | None) -> None:
    """5 ms a frame pay for an update of 100 ms each 20 frames, and for no more."""
    pace = UpdateSchedule(Window(4, updates=updates, budget_ms=5))
    due = due_frames(pace, [50.0] * 404, cost_ms=100)
    assert len(due) * 100 <= 404 * 5 + 2 * 100
    assert len(due) >= 19
    assert due[0] == 4


@pytest.mark.parametrize("wrong", [{"size": 0}, {"stride": 0}, {"every": 0}, {"updates": 0}])
def test_at_least_one(wrong: dict[str, Any]) -> None:
    """Of everything that is counted."""
    with pytest.raises(ValueError, match="1 or more"):
        Window(**wrong)
