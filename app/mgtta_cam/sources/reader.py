"""Reads a source on its own thread, so that the main thread stays free for signals and the window.

A blocked OpenCV read keeps signal handlers from running, and a window works on the main thread only.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal, TypeVar

from mgtta_cam.types import Frame

T = TypeVar("T")
POLL_SECONDS = 0.1  # how often the main thread lets signal handlers run and checks whether to stop


class Reader:
    """Yields the frames of a source, which a thread reads.

    Args:
        frames: what the thread iterates over, and closes at the end.
        keep: `all` holds up to `capacity` frames, then makes the thread wait; `freshest` holds one, which a newer
            frame replaces; `Frame.dropped["slot"]` of the newer frame counts the replaced ones.
        capacity: frames held with `all`.
        stopped: checked while waiting; True ends the iteration.
        idle: called on the iterating thread before each frame, and every POLL_SECONDS while there is none; an exception
            that it raises ends the iteration.

    The source's error is raised on the iterating thread, after the frames before it.
    """

    def __init__(
        self,
        frames: Iterable[Frame],
        *,
        keep: Literal["all", "freshest"] = "all",
        capacity: int = 8,
        stopped: Callable[[], bool] = lambda: False,
        idle: Callable[[], None] = lambda: None,
    ) -> None:
        self._frames = frames
        self._freshest = keep == "freshest"
        self._capacity = 1 if self._freshest else capacity
        self._stopped, self._idle = stopped, idle
        self._held: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._closed = self._ended = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._read, name="mgtta-cam reader", daemon=True)

    def __iter__(self) -> Iterator[Frame]:
        if self._thread.ident is None:
            self._thread.start()
        try:
            while (frame := self._take()) is not None:
                yield frame
        finally:
            self.close()

    @property
    def alive(self) -> bool:
        """Whether the thread still runs, perhaps blocked in a read."""
        return self._thread.is_alive()

    def close(self, wait_seconds: float = 0.25) -> None:
        """Stops the thread. If it is blocked in a read, it is abandoned after `wait_seconds`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(wait_seconds)

    def _take(self) -> Frame | None:
        while not self._stopped():
            with self._changed:
                if not (self._held or self._ended or self._closed):
                    self._changed.wait(POLL_SECONDS)
                frame = self._held.popleft() if self._held else None
                over = frame is None and (self._ended or self._closed)
                self._changed.notify_all()
            self._idle()
            if frame is not None:
                return frame
            if over and self._error is not None:
                raise self._error
            if over:
                return None
        return None

    def _read(self) -> None:
        iterator = iter(self._frames)
        try:
            for frame in iterator:
                if not self._give(frame):
                    break
        except Exception as error:  # the main thread raises it
            self._error = error
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _give(self, frame: Frame) -> bool:
        with self._changed:
            if self._freshest and self._held:
                lost = self._held.pop()
                frame = replace(frame, dropped=add_drops(lost.dropped, frame.dropped, {"slot": 1}))
            while len(self._held) >= self._capacity and not self._closed:
                self._changed.wait()
            if self._closed:
                return False
            self._held.append(frame)
            self._changed.notify_all()
            return True


def add_drops(*counts: Mapping[str, int]) -> dict[str, int]:
    """Sums counts of dropped frames by cause."""
    total: dict[str, int] = {}
    for count in counts:
        for cause, number in count.items():
            total[cause] = total.get(cause, 0) + number
    return total


def in_thread(call: Callable[[], T]) -> T:
    """Calls a function on another thread, so that the main thread can handle signals while it blocks."""
    result: list[T] = []
    errors: list[BaseException] = []

    def target() -> None:
        try:
            result.append(call())
        except BaseException as error:  # raised again on the calling thread
            errors.append(error)

    thread = threading.Thread(target=target, name="mgtta-cam opener", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(POLL_SECONDS)
    if errors:
        raise errors[0]
    return result[0]
