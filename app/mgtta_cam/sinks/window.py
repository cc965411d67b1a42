"""A window that shows the drawn pictures and hears keys; main thread only."""

from __future__ import annotations

import threading
from collections.abc import Callable

import cv2

from mgtta_cam.errors import OutputError
from mgtta_cam.sinks.display import display_problem
from mgtta_cam.types import FrameResult, Image

__all__ = ["WindowSink", "display_problem"]

LARGEST_PX = (1600, 900)  # width, height of a window when it opens


class WindowSink:
    """Shows each drawn result. `poll` must be called after every `write`: it is what lets the window paint.

    Args:
        title: of the window, and its name to OpenCV; one sink a title.
        render: draws a result.

    Raises:
        RuntimeError: if this is not the main thread, where OpenCV's windows hang.
        OutputError: if no display answers.
    """

    def __init__(self, title: str, render: Callable[[FrameResult], Image]) -> None:
        _require_main_thread()
        if problem := display_problem():
            raise OutputError(f"cannot show a window: {problem}")
        self._title = title
        self._render = render
        self._open = False
        self._painted = False  # only a window that was painted once can be found closed

    def write(self, result: FrameResult) -> None:
        """Show one result; it appears with the next `poll`.

        Raises:
            RuntimeError: if this is not the main thread.
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
        """Paint, and return the character of a key pressed meanwhile.

        Args:
            wait_ms: how long to wait for one; less than 1 ms is 1 ms, or the window could not paint.

        Returns:
            The character (`"\\x1b"` for Escape), None if no key was pressed, and `"q"` if the window was closed.

        Raises:
            RuntimeError: if this is not the main thread.
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
            cv2.waitKey(1)  # lets the toolkit take it off the screen

    def _closed(self) -> bool:
        if not self._painted:
            return False
        try:
            return cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:  # OpenCV 5 raises for a window that is gone
            return True


def _require_main_thread() -> None:
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("OpenCV windows belong to the main thread; this is another one")
