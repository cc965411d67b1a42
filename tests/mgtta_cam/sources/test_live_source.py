"""Streams from a local server that behaves badly."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from mgtta_cam.errors import SourceDamagedError, SourceError, SourceLostError
from mgtta_cam.sources.backoff import Backoff
from mgtta_cam.sources.live import GRACE_S, LiveSource
from mgtta_cam.types import Frame
from tests.mgtta_cam.clips import SIZE, number
from tests.mgtta_cam.fault_server import FaultServer, Visit
from tests.mgtta_cam.sources.test_decoding import Scripted

QUICK = Backoff(3, first_s=0.05, longest_s=0.2)


def drained(source: LiveSource) -> tuple[list[Frame], Exception]:
    """Reads all frames, up to the error that ends every live source."""
    frames: list[Frame] = []
    try:
        for frame in source:
            frames.append(frame)  # noqa: PERF402  the frames before the error are wanted
    except (SourceLostError, SourceDamagedError) as error:
        return frames, error
    raise AssertionError("a live source does not just end")


def test_frames_until_the_stream_is_lost() -> None:
    """Frames come in order with monotonic times; then the loss is reported with their number."""
    with FaultServer(12) as server:
        frames, error = drained(LiveSource(server.url, shown="camera", open_timeout_s=60, read_timeout_s=60))
    assert len(frames) >= 10  # FFmpeg may keep the last for itself
    assert [number(f.image) for f in frames] == [f.index for f in frames] == list(range(len(frames)))
    grabbed = [f.grabbed for f in frames if f.grabbed is not None]
    assert len(grabbed) == len(frames)
    assert grabbed == sorted(grabbed)
    assert frames[0].seconds == 0
    assert isinstance(error, SourceLostError)
    assert f"camera was lost after {len(frames)} frames" in str(error)


def test_a_refused_connection() -> None:
    """The message for a closed port has the name for display."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(SourceError, match="the stream camera cannot be opened: connection refused"):
        LiveSource(f"http://me:hunter2@127.0.0.1:{port}/x", shown="camera", open_timeout_s=60)


def test_a_mute_server_ends_with_the_timeout() -> None:
    """A server that accepts and sends nothing does not block for OpenCV's 30 s."""
    with FaultServer(-1, mute=True) as server, pytest.raises(SourceError, match="cannot be opened: no response within"):
        LiveSource(server.url, shown="camera", open_timeout_s=0.5, read_timeout_s=0.5)


def test_a_stalled_stream_is_lost() -> None:
    """A stream that falls silent is lost after the read timeout."""
    with FaultServer(6, mute=True) as server:
        frames, error = drained(LiveSource(server.url, shown="camera", open_timeout_s=60, read_timeout_s=0.5))
    assert len(frames) >= 1
    assert isinstance(error, SourceLostError)


def test_a_camera_that_is_not_there() -> None:
    """The message for a missing camera has its number."""
    with pytest.raises(SourceError, match="the camera 63 cannot be opened"):
        LiveSource(63, shown="63")


def test_a_camera_by_its_lasting_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The link is resolved at each opening, because a reconnected camera may have another number."""
    numbers = iter([61, 62])
    asked: list[int] = []

    def opened(number: int, *_: object) -> Scripted:
        asked.append(number)
        return Scripted(0, 0, -1e-6, -1e-6)

    monkeypatch.setattr("os.path.realpath", lambda _: f"/dev/video{next(numbers, 'gone')}")
    monkeypatch.setattr("cv2.VideoCapture", opened)
    source = LiveSource("/dev/v4l/by-id/usb-cam", shown="cam", read_timeout_s=1, max_bad_reads=2, reconnect=QUICK)
    frames, error = drained(source)
    assert asked == [61, 62]
    assert [frame.connection for frame in frames] == [0, 0, 1, 1]
    assert source.facts["kind"] == "camera"
    assert isinstance(error, SourceLostError)


def test_a_lost_stream_is_opened_again() -> None:
    """After a cut or a stall, frames continue with new sizes and rising indices and times; events report all of it."""
    events: list[tuple[str, dict[str, Any]]] = []
    visits = Visit(12), Visit(6, first=50, scale=2, then="mute"), Visit(6, first=80)
    with FaultServer(*visits) as server:
        source = LiveSource(
            server.url,
            shown="camera",
            open_timeout_s=60,
            read_timeout_s=0.5,
            reconnect=QUICK,
            emit=lambda kind, **facts: events.append((kind, facts)),
        )
        frames, error = drained(source)
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert [frame.seconds for frame in frames] == sorted(frame.seconds for frame in frames)
    for connection, (first, scale) in enumerate([(0, 1), (50, 2), (80, 1)]):
        own = [frame for frame in frames if frame.connection == connection]
        assert [number(frame.image) for frame in own] == list(range(first, first + len(own)))
        assert {frame.image.shape[:2] for frame in own} == {(SIZE[0] * scale, SIZE[1] * scale)}
    assert source.facts["reconnects"] == 2
    kinds = [kind for kind, _ in events]
    begin = ["lost", "retry", "reconnect", "stall", "lost", "retry", "reconnect", "lost", "retry"]
    assert kinds == [*begin, "retry", "retry"]  # the attempts that are allowed in a row
    assert "no frame within 0.5 s" in events[4][1]["why"]
    assert isinstance(error, SourceLostError)


def test_damaged_pictures_are_no_end() -> None:
    """Undecodable parts of a stream are skipped and counted."""
    with FaultServer(Visit(12, garbage=(3, 4, 7))) as server:
        frames, _ = drained(LiveSource(server.url, shown="camera", open_timeout_s=60, read_timeout_s=60))
    assert [number(frame.image) for frame in frames][:6] == [0, 1, 2, 5, 6, 8]
    assert [frame.dropped for frame in frames][:6] == [{}, {}, {}, {"corrupt": 2}, {}, {"corrupt": 1}]


def test_a_stop_ends_the_waiting() -> None:
    """Stopping the run does not wait for the next attempt."""
    stop = threading.Event()
    with FaultServer(Visit(6)) as server:
        source = LiveSource(
            server.url,
            shown="camera",
            open_timeout_s=60,
            read_timeout_s=60,
            reconnect=Backoff(0, first_s=3600, longest_s=3600),
            stopped=stop.is_set,
            emit=lambda kind, **_: stop.set() if kind == "retry" else None,
        )
        assert list(source)


def test_a_call_that_never_comes_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watching thread detects a driver that hangs despite all timeouts."""
    asleep, wake = threading.Event(), threading.Event()

    def hang(_: object) -> None:
        asleep.set()
        wake.wait()

    with FaultServer(Visit(6, then="mute")) as server:
        source = LiveSource(server.url, shown="camera", open_timeout_s=60, read_timeout_s=1)
        monkeypatch.setattr("mgtta_cam.sources.decoding.read", hang)
        thread = threading.Thread(target=drained, args=(source,), daemon=True)
        thread.start()
        asleep.wait()
        source.watch()
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 1 + GRACE_S + 0.1)
        with pytest.raises(SourceLostError, match="camera hangs"):
            source.watch()
        monkeypatch.undo()
        wake.set()
        thread.join()
