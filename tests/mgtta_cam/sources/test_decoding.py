"""Failed reads of a capture, distinguished by how they fail and how long they take."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from mgtta_cam.sources.decoding import LATE, Decoding

TIMEOUT_S = 0.05


class Scripted:
    """A capture whose reads take these seconds, one after the other; negative ones then fail."""

    def __init__(self, *seconds: float) -> None:
        self._seconds = iter(seconds)
        self.reads = 0
        self.released = False

    def read(self) -> tuple[bool, Any]:
        """The next one."""
        seconds = next(self._seconds)
        self.reads += 1
        time.sleep(abs(seconds))
        return (True, np.zeros((4, 4, 3), np.uint8)) if seconds >= 0 else (False, None)

    def get(self, propId: int) -> float:
        """Nothing is known."""
        return 0.0 * propId

    def isOpened(self) -> bool:  # noqa: N802  OpenCV's name
        """Always."""
        return True

    def release(self) -> None:
        """Remembers it."""
        self.released = True


def test_a_time_out_that_gives_a_picture() -> None:
    """FFmpeg's decoders return a held-back picture at the timeout; there is no wait for a second timeout."""
    capture, events = Scripted(0, 0, TIMEOUT_S * 1.1, -TIMEOUT_S * 1.1), []
    decoding = Decoding(capture, promised=None, read_timeout_s=TIMEOUT_S, emit=lambda kind, **_: events.append(kind))
    assert [picture.rejected for picture in decoding] == [None, None, LATE]
    assert (decoding.why, events, capture.reads, capture.released) == ("stall", ["stall"], 3, True)


def test_a_time_out() -> None:
    """A failed read that took its time is a stall, not damage."""
    capture = Scripted(0, -TIMEOUT_S * 1.1)
    decoding = Decoding(capture, promised=None, read_timeout_s=TIMEOUT_S)
    assert len(list(decoding)) == 1
    assert (decoding.why, capture.released) == ("stall", True)


def test_a_hole_in_a_file_that_promises_more() -> None:
    """All promised frames are requested, however long the gap, unless damage ends the stream."""
    for on_corrupt, pictures in (("skip", 2), ("stop", 1)):
        capture = Scripted(0, *[-1e-6] * 20, 0, *[-1e-6] * 30)
        options: Any = {"max_bad_reads": 3, "on_corrupt": on_corrupt}
        decoding = Decoding(capture, promised=23, read_timeout_s=TIMEOUT_S, **options)
        assert len(list(decoding)) == pictures
        assert (decoding.why, capture.reads) == ("damage", 43 if pictures == 2 else 2)


def test_damage_and_the_end() -> None:
    """Reads that fail at once are damage if pictures follow, and the end otherwise."""
    capture = Scripted(0, -1e-6, 0, -1e-6, -1e-6, -1e-6)
    decoding = Decoding(capture, promised=None, read_timeout_s=TIMEOUT_S, max_bad_reads=3)
    assert [(picture.bad_reads, picture.rejected) for picture in decoding] == [(0, None), (1, None)]
    assert decoding.why == "cut"
