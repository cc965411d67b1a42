"""Corruption by plan and by key."""

from __future__ import annotations

import pytest

from mgtta_cam.corruptions import Schedule
from mgtta_cam.errors import UsageError
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.corruption_control import CorruptionControl, planned

NAMES = ("fog", "snow")


def steered(plan: str | None = None) -> tuple[CorruptionControl, Controls]:
    """A corruption_control over a schedule."""
    controls = Controls()
    return CorruptionControl(Schedule.parse(plan) if plan else Schedule(), NAMES, controls), controls


def test_the_schedule_holds_until_a_key() -> None:
    """Without keys the plan is followed."""
    corruption_control, _ = steered("0:clean 2:fog:3 4:clean")
    assert [corruption_control.at(i) for i in range(5)] == [None, None, ("fog", 3), ("fog", 3), None]


def test_c_goes_round() -> None:
    """From clean through all names and back."""
    corruption_control, controls = steered()
    seen = []
    for i in range(4):
        controls.press("c")
        seen.append(corruption_control.at(i))
    assert seen == [("fog", 5), ("snow", 5), None, ("fog", 5)]


def test_a_key_takes_over_from_the_schedule() -> None:
    """After a key the schedule is silent; c goes on from what is seen."""
    corruption_control, controls = steered("0:fog:3 2:clean")
    assert corruption_control.at(0) == ("fog", 3)
    controls.press("c")
    assert [corruption_control.at(i) for i in (1, 2, 3)] == [("snow", 3)] * 3


def test_severity_by_key() -> None:
    """Brackets change the severity of what is seen, within 1..5."""
    corruption_control, controls = steered("0:fog:4")
    for key, expected in [("]", 5), ("]", 5), ("[", 4), ("[", 3), ("[", 2), ("[", 1), ("[", 1)]:
        controls.press(key)
        assert corruption_control.at(0) == ("fog", expected)


def test_planned() -> None:
    """One corruption, a schedule, or nothing."""
    assert planned("fog:2", None).at(10**6) == ("fog", 2)
    assert planned(None, "5:snow:1").at(5) == ("snow", 1)
    assert planned(None, None).at(0) is None


@pytest.mark.parametrize(
    ("corrupt", "schedule", "what"), [("fgo", None, "--corrupt: .*fog"), (None, "x", "--corrupt-schedule: ")]
)
def test_bad_plans_name_their_option(corrupt: str | None, schedule: str | None, what: str) -> None:
    """The option is in the message."""
    with pytest.raises(UsageError, match=what):
        planned(corrupt, schedule)
