"""The line on the terminal."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

from rich.console import Console

from mgtta_cam.sinks.progress import Counting, ProgressLine, describe
from mgtta_cam.types import Frame, Score
from tests.mgtta_cam.clips import picture
from tests.mgtta_cam.log.test_log import result


def test_describe() -> None:
    """The line has frame, rate, latency, method, corruption and both accuracies."""
    frame = Frame(300, 10.0, picture(0), 1, ("fog", 4))
    score, frozen = (Score(300, 0.5, recent, ()) for recent in (0.525, 0.41))
    line = describe(result(frame=frame, fps=29.7, updates=4, score=score, frozen_score=frozen))
    assert line == "frame 300  29.7 fps  5 ms  tent, 4 updates  fog:4  frozen 41.0 %  adapted 52.5 %"


def test_unknown_things_are_left_out() -> None:
    """Without labels, comparison and corruption the line does not mention them."""
    assert describe(replace(result(), fps=1.0, updates=1)) == "frame 0  1.0 fps  5 ms  tent, 1 update"


def test_the_line_goes_away() -> None:
    """At the end the line is erased and the terminal is as before."""
    console = Console(file=StringIO(), force_terminal=True, width=80)
    line = ProgressLine(console)
    line.write(result())
    line.close()
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "frame 0" in text
    assert "\x1b[2K" in text.split("frame 0")[-1]


def test_several_streams() -> None:
    """Frames of all streams are counted."""
    words = Counting(3)
    assert words(result()) == "3 streams  1 frame  0.0 fps total"
    assert words(result()).startswith("3 streams  2 frames  ")
