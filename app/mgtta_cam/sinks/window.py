"""Show the drawn pictures in a window and read keys; main thread only."""

from __future__ import annotations

import threading
from collections.abc import Callable

import cv2

from mgtta_cam.errors import OutputError
from mgtta_cam.sinks.display import display_problem
from mgtta_cam.types import FrameResult, Image

__all__ = ["WindowSink", "display_problem"]

LARGEST_PX = (1600, 900)  # maximum width and height of a new window


class WindowSink:
    """Shows each drawn result. Call `poll` after every `write`: only then does the window repaint.

    Args:
        title: of the window, and its name in OpenCV; only one sink per title.
        render: draws a result.

    Raises:
        RuntimeError: outside the main thread, where OpenCV's windows hang.
        OutputError: if no display is available.
    """

    def __init__(self, title: str, render: Callable[[FrameResult], Image]) -> None:
        _require_main_thread()
        if problem := display_problem():
            raise OutputError(f"cannot show a window: {problem}")
        self._title = title
        self._render = render
        self._open = False
        self._painted = False  # a window counts as closed only after it was painted once

    def write(self, result: FrameResult) -> None:
        """Show one result; it appears with the next `poll`.

        Raises:
            RuntimeError: outside the main thread.
        """
        _require_main_thread()
        image = self._render(result)
        if not self._open:
            height, width = image.shape[:2]
            scale = min(1.0, LARGEST_PX[0] / width, LARGEST_PX[1] / height)
            cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.resizeWindow(self._title, round(width * scale), round(height * scale))
            self._open = True
        cv2.imshow(self._title, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))

    def poll(self, wait_ms: int = 1) -> str | None:
        """Repaint, and return the character of a key pressed meanwhile.

        Args:
            wait_ms: how long to wait for a key; at least 1 ms is waited, or the window could not repaint.

        Returns:
            The character (`"\\x1b"` for Escape), None if no key was pressed, or `"q"` if the window was closed.

        Raises:
            RuntimeError: outside the main thread.
        """
        _require_main_thread()
        if not self._open:
            return None
        code = cv2.waitKey(max(1, wait_ms))
        if self._closed():
            self._open = self._painted = False
            return "q"
        self._painted = True
        return chr(code & 0xFF) if code >= 0 else None

    def close(self) -> None:
        """Close the window; a second call does nothing."""
        if self._open:
            self._open = self._painted = False
            cv2.destroyWindow(self._title)
            cv2.waitKey(1)  # lets the toolkit remove it from the screen

    def _closed(self) -> bool:
        if not self._painted:
            return False
        try:
            return cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:  # OpenCV 5 raises for a window that is gone
            return True


def _require_main_thread() -> None:
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("OpenCV windows work in the main thread only; this is another thread")
