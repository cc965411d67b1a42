"""Stages that select and label frames."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgtta_cam.sources import stages
from mgtta_cam.types import Frame
from tests.mgtta_cam.clips import frames, picture


def indices(items: object) -> list[int]:
    """Indices of frames."""
    return [frame.index for frame in items]  # type: ignore[attr-defined]


def test_labeled() -> None:
    """Labels are found by index."""
    assert [f.label for f in stages.labeled(lambda i: i * 2)(frames(3))] == [0, 2, 4]


def test_fresh() -> None:
    """Old live frames are dropped and counted; frames of other sources have no age."""
    live = [replace(frame, grabbed=10 + frame.index) for frame in frames(5)]
    kept = list(stages.fresh(2.5, clock=lambda: 14.0)([*live, *frames(1)]))
    assert [(f.index, f.dropped) for f in kept] == [(2, {"stale": 2}), (3, {}), (4, {}), (0, {})]


def test_repeated() -> None:
    """Index and time keep increasing over the rounds."""
    played = list(stages.repeated(lambda: frames(3, fps=10), 2, 0.1))
    assert indices(played) == [0, 1, 2, 3, 4, 5]
    assert [f.seconds for f in played] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])


def test_repeated_for_ever() -> None:
    """0 rounds repeat without end."""
    assert indices(stages.at_most(10)(stages.repeated(lambda: frames(3), 0, 0.1))) == list(range(10))


def test_repeating_nothing_ends() -> None:
    """An empty source is not repeated without end."""
    assert list(stages.repeated(list, 0, 0.1)) == []


def test_between() -> None:
    """Start is included, the end is not."""
    assert indices(stages.between(0.2, 0.3)(frames(10, fps=10))) == [2, 3, 4]


def test_every() -> None:
    """Stride 3 keeps frames 0, 3, 6 and counts those between."""
    kept = list(stages.every(3)(frames(8)))
    assert indices(kept) == [0, 3, 6]
    assert [f.dropped for f in kept] == [{}, {"stride": 2}, {"stride": 2}]


def test_drops_add_up() -> None:
    """Drops before a frame that is itself dropped are counted."""
    stream = [Frame(0, 0, picture(0)), Frame(5, 0.5, picture(5), dropped={"slot": 4}), Frame(6, 0.6, picture(6))]
    assert list(stages.every(2)(stream))[1].dropped == {"slot": 4, "stride": 1}


@given(st.integers(1, 60), st.floats(0.5, 90))
def test_at_rate(fps: int, limit: float) -> None:
    """No second has more frames than allowed, and a slow stream loses none."""
    kept = list(stages.at_rate(limit)(frames(120, fps=fps)))
    assert kept[0].index == 0
    if limit >= fps:
        assert len(kept) == 120
    span = 120 / fps
    assert len(kept) <= span * limit + 1.5


def test_at_most_asks_for_no_more() -> None:
    """The frame after the last is not requested, because it may never come."""

    def source():
        yield from frames(2)
        raise AssertionError("asked for a third")

    assert indices(stages.at_most(2)(source())) == [0, 1]


def test_at_own_speed() -> None:
    """Frames wait for their time, counted from the first; a late one does not wait."""
    now = [100.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    stage = stages.at_own_speed(lambda: False, clock=lambda: now[0], sleep=sleep)
    seen, due = [], []
    for frame in stage(frames(4, fps=10)):
        seen.append(now[0])
        due.append(frame.grabbed)
        if frame.index == 1:
            now[0] += 0.15  # slow work: frame 2 is late
    assert seen == pytest.approx([100.0, 100.1, 100.25, 100.3])
    assert due == pytest.approx([100.0, 100.1, 100.2, 100.3])
    assert max(slept) <= stages.LONGEST_NAP


def test_a_stop_ends_the_waiting() -> None:
    """After a stop, there is no wait for the next frame's time."""
    stream = [Frame(0, 0, picture(0)), Frame(1, 3600.0, picture(1))]
    stage = stages.at_own_speed(lambda: True, clock=lambda: 0.0, sleep=lambda _: pytest.fail("slept"))
    assert indices(stage(stream)) == [0, 1]


def test_announcing() -> None:
    """A change of corruption or size emits one event, with its frame."""
    events: list[tuple[str, dict]] = []
    stream = [
        Frame(0, 0, picture(0)),
        Frame(1, 0, picture(0), corruption=("fog", 4)),
        Frame(2, 0, picture(0), corruption=("fog", 4)),
        Frame(3, 0, picture(0)[:20]),
    ]
    assert len(list(stages.announcing(lambda kind, **facts: events.append((kind, facts)))(stream))) == 4
    assert events == [
        ("corruption-change", {"frame": 1, "name": "fog", "severity": 4}),
        ("corruption-change", {"frame": 3, "name": "clean", "severity": 0}),
        ("shape-change", {"frame": 3, "shape": [20, 64, 3]}),
    ]
