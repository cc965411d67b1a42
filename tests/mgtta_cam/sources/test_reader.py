"""Reading on another thread."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import pytest

from mgtta_cam.errors import SourceLostError
from mgtta_cam.sources.reader import Reader, in_thread
from mgtta_cam.types import Frame
from tests.mgtta_cam.clips import frames, numbers


def test_all_frames_in_order() -> None:
    """No frame is lost, and the thread ends."""
    reader = Reader(frames(50), capacity=3)
    assert numbers(reader) == list(range(50))
    assert not reader.alive


def test_the_freshest_frame_only() -> None:
    """While the main thread is busy, newer frames replace older ones, which are counted."""
    go_on, all_read = threading.Event(), threading.Event()

    def source() -> Iterator[Frame]:
        stream = frames(10)
        yield stream[0]
        go_on.wait()
        yield from stream[1:]
        all_read.set()

    seen = []
    for frame in Reader(source(), keep="freshest"):
        seen.append(frame)
        go_on.set()
        all_read.wait()
    assert [frame.index for frame in seen] == [0, 9]
    assert seen[1].dropped == {"slot": 8}


def test_a_full_queue_waits() -> None:
    """The thread reads ahead by its capacity and no more."""
    read: list[int] = []

    def source() -> Iterator[Frame]:
        for frame in frames(20):
            read.append(frame.index)
            yield frame

    reader = Reader(source(), capacity=4)
    for frame in reader:
        assert max(read) <= frame.index + 4 + 1  # those held, and one being read
    assert len(read) == 20


def test_an_error_comes_after_the_frames_before_it() -> None:
    """The source's error is raised on the main thread after all frames."""

    def source() -> Iterator[Frame]:
        yield from frames(3)
        raise SourceLostError("gone")

    seen = []
    with pytest.raises(SourceLostError, match="gone"):
        seen.extend(Reader(source()))
    # list.extend keeps what came before the error
    assert numbers(seen) == [0, 1, 2]


def test_a_stop_ends_a_wait_for_a_mute_source() -> None:
    """The main thread leaves although the source's read is blocked."""
    mute = threading.Event()
    seen: list[int] = []
    asked = itertools.count()

    def source() -> Iterator[Frame]:
        yield frames(1)[0]
        mute.wait()

    reader = Reader(source(), stopped=lambda: bool(seen) and next(asked) >= 2)
    for frame in reader:
        seen.append(frame.index)  # noqa: PERF401  asked about while it grows
    assert seen == [0]
    assert reader.alive
    mute.set()


def test_idle_is_called_while_waiting() -> None:
    """While no frame comes, `idle` is called repeatedly; an exception that it raises ends the iteration."""
    mute = threading.Event()
    called = itertools.count(1)

    def idle() -> None:
        if next(called) == 3:
            raise SourceLostError("hangs")

    def source() -> Iterator[Frame]:
        mute.wait()
        yield from ()

    reader = Reader(source(), idle=idle)
    with pytest.raises(SourceLostError, match="hangs"):
        list(reader)
    mute.set()


def test_closing_closes_the_source_on_its_thread() -> None:
    """Leaving early closes the source's generator on the thread that ran it."""
    closed_on: list[threading.Thread] = []

    def source() -> Iterator[Frame]:
        try:
            yield from frames(100)
        finally:
            closed_on.append(threading.current_thread())

    reader = Reader(source(), capacity=2)
    for _ in reader:
        break
    reader.close(wait_seconds=60)
    assert len(closed_on) == 1
    assert closed_on[0] is not threading.main_thread()


def test_in_thread() -> None:
    """The result or the error of a call on another thread is passed on."""
    assert in_thread(lambda: threading.current_thread() is not threading.main_thread())

    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        in_thread(fail)
