"""Several streams on one picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mgtta_cam.errors import OutputError
from mgtta_cam.overlay.ink import PAPER
from mgtta_cam.sinks.grid import SIZE, Grid, Place
from mgtta_cam.types import FrameResult, Image
from tests.mgtta_cam.log.test_log import result
from tests.mgtta_cam.stream.test_session import Recorder


def colored(color: int) -> FrameResult:
    """A result whose frame has one color."""
    one = result()
    return replace(one, frame=replace(one.frame, image=np.full((90, 160, 3), color, np.uint8)))


def plain(one: FrameResult) -> Image:
    """Return the frame's image without drawing on it."""
    return one.frame.image


SHAPES = [(1, 1, 1), (2, 2, 1), (3, 2, 2), (4, 2, 2), (5, 3, 2), (16, 4, 4)]


@pytest.mark.parametrize(("count", "columns", "rows"), SHAPES)
def test_places_are_in_order(count: int, columns: int, rows: int) -> None:
    """Left to right, then down; each result is seen in its own place, and a name stands below it."""
    grid = Grid([f"clip {k}" for k in range(count)])
    for k in range(count):
        Place(grid, k, plain).write(colored(10 + 10 * k))
    image = grid.image(colored(0))
    assert image.shape == (SIZE[1], SIZE[0], 3)
    w, h = SIZE[0] // columns, SIZE[1] // rows
    for k in range(count):
        x, y = w * (k % columns), h * (k // columns)
        assert (image[y + h // 2, x + w // 2] == 10 + 10 * k).all()
        caption = image[y + h - 26 : y + h, x : x + w]
        assert (caption == PAPER).all(axis=2).mean() > 0.8
        assert caption.max() > 150


def test_a_smaller_frame_leaves_nothing_behind() -> None:
    """A camera that comes back with another shape."""
    grid = Grid(["a"])
    place = Place(grid, 0, plain)
    place.write(colored(200))
    one = colored(100)
    place.write(replace(one, frame=replace(one.frame, image=np.full((160, 90, 3), 100, np.uint8))))
    assert not (grid.image(one)[:850] == 200).any()


def test_keys_are_heard_by_all() -> None:
    """Each stream receives each key once and in order, whichever stream polls."""
    grid = Grid(["a", "b"])
    one, other = (Place(grid, k, plain) for k in range(2))
    assert one.poll(0) is None
    grid.window = Recorder(["a", None, "b"])
    assert [one.poll(0), one.poll(0), other.poll(0), other.poll(0), one.poll(0)] == ["a", None, "a", "b", "b"]


def test_the_video_moves_when_all_have_moved() -> None:
    """One frame for each round; who has left is not waited for; the last to leave closes window and video."""
    grid = Grid(["a", "b", "c"])
    window, video = Recorder(), Recorder()
    grid.window, grid.video = window, video
    one, two, three = (Place(grid, k, plain) for k in range(3))
    for place in (one, two, one, three):
        place.write(colored(50))
    assert (len(window.seen), len(video.seen)) == (4, 1)
    three.close()
    three.close()
    for place in (one, two, one):
        place.write(colored(50))
    assert len(video.seen) == 2
    one.close()
    assert (window.closed, video.closed) == (0, 0)
    two.write(colored(50))
    two.close()
    assert (window.closed, video.closed, len(video.seen)) == (1, 1, 3)


def test_a_video_that_fails_ends_all_streams() -> None:
    """A video failure reaches every stream; window and video are closed once."""
    grid = Grid(["a", "b"])
    grid.video = Recorder(fail_at=0)
    one, two = (Place(grid, k, plain) for k in range(2))
    one.write(colored(50))
    for place in (two, one, two):
        with pytest.raises(OutputError, match="disk full"):
            place.write(colored(50))
