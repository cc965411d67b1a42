"""What viewers get: the latest picture, made once and only on request, and the state of the run."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from mgtta_cam.sinks.web.feed import LARGEST_PX, Feed, encoded
from mgtta_cam.stream.controls import Controls
from mgtta_cam.types import Frame, FrameResult, Image, Score
from tests.mgtta_cam.clips import number, picture
from tests.mgtta_cam.log.test_log import CLASSES, result


class Drawing:
    """Counts what was drawn."""

    def __init__(self) -> None:
        self.drawn: list[int] = []

    def __call__(self, shown: FrameResult) -> Image:
        """The frame as it is."""
        self.drawn.append(shown.frame.index)
        return shown.frame.image


@pytest.fixture
def drawing() -> Drawing:
    """A renderer."""
    return Drawing()


@pytest.fixture
def feed(drawing: Drawing) -> Iterator[Feed]:
    """A feed of nothing yet."""
    made = Feed(drawing, CLASSES, Controls())
    yield made
    made.end()


def decoded(jpeg: bytes) -> Image:
    """RGB."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.uint8)


def test_nothing_is_drawn_unasked(feed: Feed, drawing: Drawing) -> None:
    """Without viewers no frame is drawn; on request the latest is, once for all viewers."""
    for i in range(5):
        feed.write(result(i))
    assert drawing.drawn == []
    first, second = feed.picture(0, 0), feed.picture(0, 0)
    assert first is not None
    assert first == second
    assert number(decoded(first[1])) == 4
    assert drawing.drawn == [4]


def test_a_viewer_waits_for_another_picture(feed: Feed) -> None:
    """A viewer that has the latest picture waits for the next one, or until the timeout."""
    assert feed.picture(0, 0) is None  # none has come yet
    feed.write(result(0))
    have = feed.picture(0, 0)
    assert have is not None
    assert feed.picture(have[0], 0) is None
    threading.Timer(0.05, feed.write, [result(1)]).start()
    later = feed.picture(have[0], 60)
    assert later is not None
    assert number(decoded(later[1])) == 1


def test_the_end_wakes_viewers(feed: Feed) -> None:
    """Waiting viewers wake as soon as the run ends."""
    threading.Timer(0.05, feed.end).start()
    assert feed.picture(0, 60) is None
    assert feed.state()["ended"] is True


def test_a_result_shown_again_counts_once(feed: Feed, drawing: Drawing) -> None:
    """A key while paused draws the same frame anew: a new picture, no new point."""
    shown = result(3)
    feed.write(shown)
    before = feed.picture(0, 0)
    feed.write(replace(shown, ms={"draw": 1.0}))
    after = feed.picture(0, 0)
    assert before is not None
    assert after is not None
    assert before[0] != after[0]
    assert drawing.drawn == [3, 3]
    assert len(feed.state()["points"]) == 1


def test_state() -> None:
    """All that the page shows, as JSON without NaN."""
    now: list[float] = [10.0]
    controls = Controls(compare=True)
    feed = Feed(Drawing(), CLASSES, controls, clock=lambda: now[0])
    assert feed.state()["points"] == []
    score = Score(1, 1.0, 0.5, (0.5,))
    noisy = Frame(0, 0.0, picture(0), label=1, corruption=("shot_noise", 2), dropped={"slot": 3}, grabbed=9.98)
    facts: dict[str, Any] = {"score": score, "frozen_score": score, "frozen_logits": np.zeros(3, np.float32)}
    feed.write(result(frame=noisy, skipped="sure", fps=25.0, **facts))
    now[0] = 12.0
    dark = Frame(1, 0.1, picture(1), dropped={"slot": 1, "late": 2}, rejected="black")
    feed.write(result(frame=dark, logits=np.full(3, math.nan, np.float32), updates=7))
    controls.press(" ")
    state = json.loads(json.dumps(feed.state(), allow_nan=False))
    assert state["dropped"] == {"slot": 4, "late": 2}
    assert state["corruptions"] == ["shot noise 2", "clean"]
    rows = [dict(zip(state["columns"], row, strict=True)) for row in state["points"]]
    assert rows[0] == {
        "seconds": 0.0, "adapted": 0.5, "frozen": 0.5, "entropy": 0.8324, "frozen_entropy": 1.099,
        "fps": 25.0, "age_ms": 20.0,
    }  # fmt: skip
    assert (rows[1]["seconds"], rows[1]["entropy"], rows[1]["age_ms"]) == (2.0, None, None)
    said = {
        name: state[name] for name in ("paused", "adapting", "compare", "ended", "updates", "not_adapting", "answer")
    }
    assert said == {
        "paused": True, "adapting": True, "compare": True, "ended": False,
        "updates": 7, "not_adapting": "black: not learned from", "answer": None,
    }  # fmt: skip


def test_very_large_pictures_are_made_smaller() -> None:
    """Pictures keep their aspect ratio and channel order."""
    image = np.zeros((1080, 3840, 3), np.uint8)
    image[..., 0] = 200
    small = decoded(encoded(image))
    assert small.shape == (450, LARGEST_PX[0], 3)
    assert np.abs(small.reshape(-1, 3).mean(axis=0) - (200, 0, 0)).max() < 4
