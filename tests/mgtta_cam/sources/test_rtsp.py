"""A real RTSP server: frames, a stall, a new size after a reconnect."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest

from mgtta_cam.errors import SourceError
from mgtta_cam.sources.backoff import Backoff
from mgtta_cam.sources.live import LiveSource
from mgtta_cam.types import Frame

SERVER = Path(__file__).resolve().parents[1] / "rtsp_server.py"
PYTHON = "/usr/bin/python3"
BINDINGS = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
TIMEOUT_S = 1.5
SECONDS = 30


def available() -> bool:
    """Whether the system's Python has the server."""
    try:
        return subprocess.run([PYTHON, "-c", BINDINGS], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not available(), reason="no GStreamer RTSP server: see tests/mgtta_cam/rtsp_server.py")


@pytest.fixture
def port() -> int:
    """A free port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def serving(port: int, width: int = 160, height: int = 120) -> Iterator[subprocess.Popen[str]]:
    """Starts a server and waits until it is ready."""
    command = [PYTHON, str(SERVER), str(port), str(width), str(height)]
    with subprocess.Popen(command, stdout=-1, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_stream(port: int) -> None:
    """Pictures of the right size come at the camera's speed, with their arrival times."""
    with serving(port):
        source = LiveSource(f"rtsp://me:hunter2@127.0.0.1:{port}/live", shown="x", read_timeout_s=TIMEOUT_S)
        frames = list(islice(source, 75))
    assert frames[0].image.shape == (120, 160, 3)
    assert frames[-1].image.mean() > frames[-1].image.min()
    assert [frame.index for frame in frames] == list(range(75))
    assert frames[-1].seconds - frames[24].seconds == pytest.approx(50 / 25, abs=0.6)


def test_a_wrong_password(port: int) -> None:
    """The error says what to check, without the password."""
    with (
        serving(port),
        pytest.raises(
            SourceError, match="rtsp://x cannot be opened: check the address, and whether it needs a password"
        ),
    ):
        LiveSource(f"rtsp://me:swordfish@127.0.0.1:{port}/live", shown="rtsp://x", open_timeout_s=5.0)


def test_a_stall_and_a_new_size(port: int) -> None:
    """A stalled server is detected after the timeout; when it is back with another size, frames continue."""
    events: list[tuple[str, float]] = []
    frames: list[Frame] = []
    done = threading.Event()
    with serving(port) as server:
        source = LiveSource(
            f"rtsp://me:hunter2@127.0.0.1:{port}/live",
            shown="camera",
            read_timeout_s=TIMEOUT_S,
            reconnect=Backoff(0, 0.2, 0.5),
            stopped=done.is_set,
            emit=lambda kind, **_: events.append((kind, time.monotonic())),
        )
        reader = threading.Thread(target=lambda: frames.extend(source))
        reader.start()
        wait_until(lambda: source.facts["delivered"] >= 10)
        server.send_signal(signal.SIGSTOP)
        silent = time.monotonic()
        wait_until(lambda: "lost" in dict(events))
    back = time.monotonic()
    with serving(port, 320, 240):
        wait_until(lambda: "reconnect" in dict(events))
        delivered = source.facts["delivered"]
        wait_until(lambda: source.facts["delivered"] >= delivered + 10)
        done.set()
        reader.join(SECONDS)
    assert 0.9 * TIMEOUT_S <= dict(events)["stall"] - silent <= TIMEOUT_S + 1.0
    assert dict(events)["reconnect"] - back <= 2.0
    assert {(frame.connection > 0, frame.image.shape[:2]) for frame in frames} == {
        (False, (120, 160)),
        (True, (240, 320)),
    }


def wait_until(true: Callable[[], bool]) -> None:
    """Waits for at most SECONDS."""
    until = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)
