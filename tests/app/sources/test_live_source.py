"""Streams, against a server on this machine that behaves badly."""

from __future__ import annotations

import socket

import pytest

from app.errors import SourceDamagedError, SourceError, SourceLostError
from app.sources.live import LiveSource
from app.types import Frame
from tests.app.clips import number
from tests.app.fault_server import FaultServer


def drained(source: LiveSource) -> tuple[list[Frame], Exception]:
    """All frames, and the error that ends every live source."""
    frames: list[Frame] = []
    try:
        for frame in source:
            frames.append(frame)  # noqa: PERF402  the frames before the error are wanted
    except (SourceLostError, SourceDamagedError) as error:
        return frames, error
    raise AssertionError("a live source does not just end")


def test_frames_until_the_stream_is_lost() -> None:
    """Frames come in order with monotonic times; then the loss is told with their number."""
    with FaultServer(12, mute=False) as server:
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
    """A port where nobody listens is told under the name that may be shown."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(SourceError, match="the stream camera does not open"):
        LiveSource(f"http://me:hunter2@127.0.0.1:{port}/x", shown="camera", open_timeout_s=60)


def test_a_mute_server_ends_with_the_timeout() -> None:
    """A server that accepts and says nothing does not hold the opening for OpenCV's 30 s."""
    with FaultServer(-1, mute=True) as server, pytest.raises(SourceError, match="does not open"):
        LiveSource(server.url, shown="camera", open_timeout_s=0.5, read_timeout_s=0.5)


def test_a_stalled_stream_is_lost() -> None:
    """A stream that falls silent is lost after the read timeout."""
    with FaultServer(6, mute=True) as server:
        frames, error = drained(LiveSource(server.url, shown="camera", open_timeout_s=60, read_timeout_s=0.5))
    assert len(frames) >= 1
    assert isinstance(error, SourceLostError)


def test_a_camera_that_is_not_there() -> None:
    """A camera number without a camera is told."""
    with pytest.raises(SourceError, match="the camera 63 does not open"):
        LiveSource(63, shown="63")
