"""The window on a virtual display: it shows the picture, receives keys, and detects when it is closed."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from mgtta_cam.errors import OutputError
from mgtta_cam.sinks.window import WindowSink
from mgtta_cam.types import Image

ROOT = Path(__file__).resolve().parents[3]
TITLE = "mgtta-cam test"
SHOW = f"""
import numpy as np
from mgtta_cam.sinks.window import WindowSink
from mgtta_cam.types import Frame, FrameResult
image = np.zeros((240, 320, 3), np.uint8)
image[:] = (250, 120, 10)
window = WindowSink({TITLE!r}, lambda result: result.frame.image)
print("before", window.poll(), flush=True)
for i in range(6000):
    window.write(FrameResult(Frame(i, i / 30, image), np.zeros(2, np.float32), 1.0, "none"))
    key = window.poll(10)
    if i == 20:
        print("shown", flush=True)
    if key:
        print("key", repr(key), flush=True)
    if key == "q":
        break
window.close()
window.close()
print("closed", flush=True)
"""


@pytest.fixture
def display(tmp_path: Path) -> Iterator[str]:
    """A virtual display whose screen lies in `tmp_path`."""
    for program in ("Xvfb", "xdotool"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    ours, its = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(its), "-screen", "0", "800x600x24", "-fbdir", str(tmp_path), "-nolisten", "tcp"],
        pass_fds=[its],
        stderr=subprocess.DEVNULL,
    )
    os.close(its)
    with os.fdopen(ours) as said:
        number = said.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait()


@pytest.fixture
def window(display: str) -> Iterator[subprocess.Popen[str]]:
    """A program that shows an orange window, once it is on the screen."""
    environ = {**os.environ, "DISPLAY": display}
    environ.pop("QT_QPA_PLATFORM", None)
    program = subprocess.Popen(
        [sys.executable, "-c", SHOW], cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    assert program.stderr is not None
    first = [program.stdout.readline() for _ in range(2)]
    assert first == ["before None\n", "shown\n"], program.stderr.read()
    yield program
    program.kill()
    program.communicate()


def heard(program: subprocess.Popen[str]) -> str:
    """The next line that the program prints."""
    assert program.stdout is not None
    return program.stdout.readline().strip()


def xdotool(display: str, *words: str) -> str:
    """Run xdotool on a display; returns what it prints."""
    done = subprocess.run(
        ["xdotool", *words], env={**os.environ, "DISPLAY": display}, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def screen(folder: Path) -> Image:
    """What the virtual display shows, RGB, from its frame buffer in xwd format."""
    data = (folder / "Xvfb_screen0").read_bytes()
    header = np.frombuffer(data, ">u4", 25)
    size, width, height, line, colors = (int(header[i]) for i in (0, 4, 5, 12, 19))
    pixels = np.frombuffer(data, np.uint8, line * height, size + 12 * colors)
    return pixels.reshape(height, line // 4, 4)[:, :width, 2::-1]


def ask_to_close(display: str, window: int) -> None:
    """Send the message that a window manager sends when the cross is clicked."""

    class Message(ctypes.Structure):
        _fields_ = (
            ("type", ctypes.c_int),
            ("serial", ctypes.c_ulong),
            ("send_event", ctypes.c_int),
            ("display", ctypes.c_void_p),
            ("window", ctypes.c_ulong),
            ("message_type", ctypes.c_ulong),
            ("format", ctypes.c_int),
            ("data", ctypes.c_long * 5),
            ("padding", ctypes.c_long * 24),
        )

    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = ctypes.c_ulong
    server = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
    protocols, delete = (x11.XInternAtom(server, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW"))
    client_message = 33
    message = Message(client_message, 0, 1, server, window, protocols, 32, (ctypes.c_long * 5)(delete, 0, 0, 0, 0))
    x11.XSendEvent(server, ctypes.c_ulong(window), 0, ctypes.c_long(0), ctypes.byref(message))
    x11.XCloseDisplay(server)


@pytest.mark.display
@pytest.mark.usefixtures("window")
def test_window_shows_the_picture(tmp_path: Path) -> None:
    """An orange picture is orange on the screen: nothing swaps red and blue, and its size is its own."""

    def orange() -> int:
        return int((np.abs(screen(tmp_path).astype(int) - (250, 120, 10)).max(axis=2) <= 2).sum())

    for _ in range(200):  # a busy machine paints late
        if orange() >= 320 * 240 * 0.98:
            break
        time.sleep(0.05)
    assert orange() == pytest.approx(320 * 240, rel=0.02)


@pytest.mark.display
def test_window_receives_keys(window: subprocess.Popen[str], display: str) -> None:
    """Each key of the interface arrives as its character, and `q` ends the program in order."""
    found = xdotool(display, "search", "--name", TITLE).splitlines()[0]
    for name, character in (("space", " "), ("bracketleft", "["), ("Escape", "\x1b"), ("h", "h"), ("q", "q")):
        xdotool(display, "key", "--window", found, name)
        assert heard(window) == f"key {character!r}"
    assert heard(window) == "closed"
    assert window.wait() == 0


@pytest.mark.display
def test_closing_the_window_is_quitting(window: subprocess.Popen[str], display: str) -> None:
    """A click on the window's cross arrives as `q`."""
    ask_to_close(display, int(xdotool(display, "search", "--name", TITLE).splitlines()[0]))
    assert heard(window) == "key 'q'"
    assert heard(window) == "closed"
    assert window.wait() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="asks X11")
def test_no_display_is_an_error_not_an_abort() -> None:
    """Without a display the sink raises one clear line in a living process (OpenCV alone would abort it)."""
    environ = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    done = subprocess.run(
        [sys.executable, "-c", SHOW], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "OutputError: cannot show a window: no display: DISPLAY is not set" in done.stderr


def test_headless_wheel_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The headless wheel is found before a window is tried."""
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "")
    with pytest.raises(OutputError, match="headless wheel"):
        WindowSink(TITLE, lambda result: result.frame.image)


def test_other_threads_are_rejected() -> None:
    """Off the main thread OpenCV's windows hang, so the sink does not begin there."""
    caught: list[BaseException] = []

    def attempt(action: Callable[[], object]) -> None:
        try:
            action()
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=attempt, args=(lambda: WindowSink(TITLE, lambda result: result.frame.image),))
    thread.start()
    thread.join()
    assert ["main thread" in str(error) for error in caught] == [True]
