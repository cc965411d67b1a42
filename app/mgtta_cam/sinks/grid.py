"""Show several streams on one picture, in rows and columns: in a window, a video, or both."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence

from mgtta_cam.errors import OutputError
from mgtta_cam.overlay.canvas import blank, place
from mgtta_cam.overlay.ink import Box, Ink
from mgtta_cam.stream.session import Display
from mgtta_cam.types import FrameResult, Image, Sink

SIZE = (1600, 900)  # width, height in pixels
EM, CAPTION = 14, 2.0  # text size in pixels; height in ems of the caption below each picture
FPS = 25.0  # of the grid's video; the streams' own rates may differ


class Grid:
    """The latest drawn picture of each stream, arranged in the order in which the streams were given.

    `window` shows the grid and receives keys for all streams; `video` gets a frame each time all running streams have
    advanced. Both are created with `image` as their `render`.

    Args:
        names: captions of the streams, free of secrets.
    """

    def __init__(self, names: Sequence[str]) -> None:
        count = len(names)
        columns = math.ceil(math.sqrt(count))
        rows = math.ceil(count / columns)
        width, height = SIZE
        w, h = width // columns, height // rows
        self._canvas = blank(height, width)
        ink = Ink(self._canvas, EM)
        caption = ink.px(CAPTION)
        self._boxes = [Box(w * (k % columns), h * (k // columns), w, h - caption) for k in range(count)]
        for number, (name, box) in enumerate(zip(names, self._boxes, strict=True), start=1):
            baseline = ink.center_line(box.y + box.h, caption)
            ink.text(f"{number}  {name}", box.x + w // 2, baseline, width=w - caption, align="center")
        self._keys = [deque[str]() for _ in range(count)]
        self._open, self._moved = set(range(count)), set[int]()
        self._failure: OutputError | None = None
        self._latest: FrameResult | None = None
        self.window: Display | None = None
        self.video: Sink | None = None

    def image(self, _: FrameResult) -> Image:
        """The grid as uint8 [h, w, 3] RGB; the argument does not matter."""
        return self._canvas

    def put(self, k: int, result: FrameResult, drawn: Image) -> None:
        """Show the next result of stream k.

        Raises:
            OutputError: if the video cannot be written; raised for every stream, because they share the video.
        """
        if self._failure is not None:
            raise self._failure
        x, y, w, h = box = self._boxes[k]
        self._canvas[y : y + h, x : x + w] = blank(h, w)
        place(drawn, self._canvas, box)
        if self.window is not None:
            self.window.write(result)
        self._moved.add(k)
        self._latest = result
        self._record()

    def _record(self) -> None:
        """Write the grid to the video once every open stream has moved on."""
        if self.video is None or self._latest is None or not self._moved or not self._moved >= self._open:
            return
        self._moved.clear()
        try:
            self.video.write(self._latest)
        except OutputError as error:
            self._failure = error
            raise

    def key(self, k: int, wait_ms: int) -> str | None:
        """A key that stream k has not received yet; every stream receives every key."""
        if self.window is None:
            time.sleep(wait_ms / 1000)
        elif (key := self.window.poll(wait_ms)) is not None:
            for keys in self._keys:
                keys.append(key)
        return self._keys[k].popleft() if self._keys[k] else None

    def leave(self, k: int) -> None:
        """End stream k: its last picture stays; the last stream to leave closes window and video."""
        if k not in self._open:
            return
        self._open.remove(k)
        try:
            if self._failure is None:
                self._record()  # others may have waited for this stream only
        finally:
            self._close()

    def _close(self) -> None:
        if not self._open:
            for sink in (self.window, self.video):
                if sink is not None:
                    sink.close()


class Place:
    """One stream's place in a grid; its run uses it as a window.

    Args:
        grid: the grid of all streams.
        k: the stream's number, from 0.
        render: draws the stream's results.
    """

    def __init__(self, grid: Grid, k: int, render: Callable[[FrameResult], Image]) -> None:
        self._grid, self._k, self._render = grid, k, render

    def write(self, result: FrameResult) -> None:
        """Draw a result into its place."""
        self._grid.put(self._k, result, self._render(result))

    def poll(self, wait_ms: int) -> str | None:
        """Update the window, and return a key pressed for all streams."""
        return self._grid.key(self._k, wait_ms)

    def close(self) -> None:
        """Leave the grid."""
        self._grid.leave(self._k)
