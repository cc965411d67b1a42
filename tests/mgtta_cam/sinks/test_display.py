"""The display check answers in one line and never opens a window."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import cv2
import pytest

from mgtta_cam.sinks.display import display_problem

linux = pytest.mark.skipif(sys.platform != "linux", reason="X11 and Wayland are asked on Linux only")


def toolkit(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Pretend that OpenCV was built with these windows."""
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: name)


def test_headless_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel without windows is named, with the one to install."""
    toolkit(monkeypatch, "")
    assert "install opencv-python" in (display_problem({"DISPLAY": ":0"}) or "")


@linux
def test_no_display_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain terminal has no DISPLAY."""
    toolkit(monkeypatch, "QT")
    assert display_problem({}) == "no display: DISPLAY is not set"


@linux
def test_display_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A DISPLAY left over from a closed session is detected by connecting to it."""
    toolkit(monkeypatch, "QT")
    assert ":987" in (display_problem({"DISPLAY": ":987"}) or "")


@linux
def test_wayland_alone_does_not_help_qt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel's Qt speaks X11 only, so a Wayland session needs Xwayland."""
    toolkit(monkeypatch, "QT")
    assert "Xwayland" in (display_problem({"WAYLAND_DISPLAY": "wayland-0"}) or "")


@linux
def test_wayland_socket_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Windows of GTK need a compositor that accepts a connection."""
    toolkit(monkeypatch, "GTK3")
    environ = {"WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": str(tmp_path)}
    assert "does not answer" in (display_problem(environ) or "")
    with socket.socket(socket.AF_UNIX) as compositor:
        compositor.bind(str(tmp_path / "wayland-0"))
        compositor.listen()
        assert display_problem(environ) is None


@linux
def test_qt_platform_that_the_wheel_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """QT_QPA_PLATFORM=offscreen, common in containers, would abort the process."""
    toolkit(monkeypatch, "QT")
    plugins = tmp_path / "qt" / "plugins" / "platforms"
    plugins.mkdir(parents=True)
    (plugins / "libqxcb.so").touch()
    monkeypatch.setattr(cv2, "__file__", str(tmp_path / "__init__.py"))
    problem = display_problem({"DISPLAY": ":987", "QT_QPA_PLATFORM": "offscreen"})
    assert problem == "QT_QPA_PLATFORM=offscreen, but this OpenCV contains only xcb; unset it"
    assert "does not answer" in (display_problem({"DISPLAY": ":987", "QT_QPA_PLATFORM": "xcb"}) or "")


def test_windows_needs_no_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows always has a desktop to open a window on."""
    toolkit(monkeypatch, "WIN32")
    monkeypatch.setattr(sys, "platform", "win32")
    assert display_problem({}) is None
