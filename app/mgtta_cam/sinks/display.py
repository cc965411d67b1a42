"""Check whether a display is available, without opening a window.

OpenCV's regular wheel aborts the whole process (SIGABRT, no exception) if it opens a window while no display
answers; the headless wheel raises. So this check comes first.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import cv2


def display_problem(environ: Mapping[str, str] = os.environ) -> str | None:
    """Why a window cannot be shown, on one line; None if it can."""
    toolkit = cv2.currentUIFramework().upper()
    if not toolkit:
        return "this OpenCV is built without window support (the headless wheel); install opencv-python"
    if sys.platform == "win32":
        return None  # a window station always exists; a service's windows are merely invisible
    if sys.platform == "darwin":
        return _quartz_problem()
    if toolkit.startswith("QT"):
        return _qt_platform_problem(environ) or _x11_problem(environ)
    # GTK and OpenCV's own Wayland windows use a Wayland compositor if there is one.
    if environ.get("WAYLAND_DISPLAY"):
        return _wayland_problem(environ)
    return _x11_problem(environ)


def _qt_platform_problem(environ: Mapping[str, str]) -> str | None:
    """Why Qt would abort: QT_QPA_PLATFORM names a plugin that the wheel does not contain."""
    wanted = environ.get("QT_QPA_PLATFORM", "").split(";")[0].split(":")[0]
    folder = Path(cv2.__file__).parent / "qt" / "plugins" / "platforms"
    if not wanted or not os.path.isdir(folder):
        return None
    carried = sorted(file.stem.removeprefix("libq") for file in folder.glob("libq*.so"))
    if wanted in carried:
        return None
    return f"QT_QPA_PLATFORM={wanted}, but this OpenCV contains only {', '.join(carried)}; unset it"


def _x11_problem(environ: Mapping[str, str]) -> str | None:
    name = environ.get("DISPLAY", "")
    if not name:
        if environ.get("WAYLAND_DISPLAY"):
            return (
                "this OpenCV shows windows through X11, and this Wayland session has no Xwayland (DISPLAY is not set)"
            )
        return "no display: DISPLAY is not set"
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError:
        return f"cannot reach the display {name}: libX11.so.6 is not installed"
    x11.XOpenDisplay.argtypes, x11.XOpenDisplay.restype = [ctypes.c_char_p], ctypes.c_void_p
    # Keep the connection open: an X server restarts when its last client leaves, and rejects windows meanwhile.
    return None if x11.XOpenDisplay(name.encode()) else f"the display {name} does not answer"


def _wayland_problem(environ: Mapping[str, str]) -> str | None:
    path = Path(environ.get("XDG_RUNTIME_DIR", "")) / environ["WAYLAND_DISPLAY"]
    with socket.socket(socket.AF_UNIX) as compositor:
        try:
            compositor.connect(str(path))
        except OSError:
            return f"the Wayland display {path} does not answer"
    return None


def _quartz_problem() -> str | None:
    """Why a Mac shows no windows: over SSH and in a daemon there is no window server."""
    services = ctypes.CDLL("/System/Library/Frameworks/ApplicationServices.framework/ApplicationServices")
    services.CGSessionCopyCurrentDictionary.restype = ctypes.c_void_p
    return None if services.CGSessionCopyCurrentDictionary() else "no window server in this session"
