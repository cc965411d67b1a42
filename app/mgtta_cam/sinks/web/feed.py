"""Provide viewers with the latest picture and the state of the run, at any moment and from any thread."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mgtta_cam.log.format import finite
from mgtta_cam.metrics.predictions import entropy, top
from mgtta_cam.overlay.panels import why_not_adapting
from mgtta_cam.overlay.scoreboard import HEADINGS
from mgtta_cam.sinks.web.curves import Curves, Point
from mgtta_cam.stream.controls import Controls
from mgtta_cam.types import FrameResult, Image

LARGEST_PX = (1600, 900)  # maximum width and height of the picture that is sent
MAX_FPS = 30.0  # pictures drawn per second, whatever the number of frames and viewers
QUALITY = 80  # of JPEG, 0..100


class Feed:
    """Takes results from the main thread; viewers' threads draw and encode the latest one on request.

    A picture therefore costs nothing while nobody watches, is made once for all viewers, and is always the latest,
    even for a slow viewer. Results are immutable, so none is copied.

    Args:
        render: draws a result; used by one thread at a time.
        classes: names by class index.
        controls: what keys change; read only.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        render: Callable[[FrameResult], Image],
        classes: Sequence[str],
        controls: Controls,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._render, self._classes, self._controls, self._clock = render, classes, controls, clock
        self._changed = threading.Condition()  # guards the fields below; never held while drawing or sending
        self._latest: FrameResult | None = None
        self._number = 0  # of results written
        self._began: float | None = None
        self._age_ms: float | None = None
        self._curves, self._dropped = Curves(), Counter[str]()
        self.ended = threading.Event()
        self.run = secrets.token_hex(8)  # lets a page detect that the program was restarted
        self._drawing = threading.Lock()  # guards the fields below
        self._drawn: tuple[int, bytes] = (0, b"")
        self._drawn_at = 0.0

    def write(self, result: FrameResult) -> None:
        """Replace the previous result; a frame that is written again counts once."""
        with self._changed:
            if self._latest is None or result.frame is not self._latest.frame:
                self._count(result)
            self._latest, self._number = result, self._number + 1
            self._changed.notify_all()

    def end(self) -> None:
        """Mark the run as ended and wake all waiting viewers."""
        with self._changed:
            self.ended.set()
            self._changed.notify_all()

    def picture(self, after: int, timeout_s: float) -> tuple[int, bytes] | None:
        """The latest picture: its number, and the drawing as JPEG.

        Args:
            after: number of the picture that the viewer already has; 0 for none.
            timeout_s: how long to wait for a newer one.

        Returns:
            None if no newer picture arrived in time, or if the run has ended.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.ended.is_set() or self._number not in (0, after), timeout_s)
            if self.ended.is_set() or self._number in (0, after):
                return None
        with self._drawing:
            if self._drawn[0] != self._number:
                time.sleep(max(0.0, self._drawn_at + 1 / MAX_FPS - self._clock()))
                with self._changed:
                    number, latest = self._number, self._latest
                assert latest is not None
                self._drawn_at = self._clock()
                self._drawn = number, encoded(self._render(latest))
            return self._drawn

    def state(self) -> dict[str, Any]:
        """Everything except the picture, as plain JSON values."""
        with self._changed:
            latest, points, dropped, age_ms = self._latest, self._curves.points(), dict(self._dropped), self._age_ms
        controls = self._controls
        state: dict[str, Any] = {
            "run": self.run,
            "ended": self.ended.is_set(),
            "paused": controls.paused,
            "adapting": controls.adapting,
            "compare": controls.compare,
            "help": controls.help,
            "dropped": dropped,
            "columns": Point._fields,
            "points": [[None if value is None else float(f"{value:.4g}") for value in point] for point, _ in points],
            "corruptions": [corruption for _, corruption in points],
        }
        if latest is not None:
            truth = latest.frame.label
            state |= {
                "score": None if latest.score is None else HEADINGS[latest.score.by],
                "frame": latest.frame.index,
                "method": latest.method,
                "updates": latest.updates,
                "corruption": named(latest),
                "not_adapting": why_not_adapting(latest),
                "fps": latest.fps,
                "age_ms": age_ms,
                "latency_ms": latest.latency_ms,
                "answer": self._best(latest.logits),
                "frozen_answer": self._best(latest.frozen_logits),
                "truth": None if truth is None else self._classes[truth],
            }
        return finite(state)[0]

    def _best(self, logits: NDArray[np.float32] | None) -> list[Any] | None:
        """The most likely class with its probability."""
        return None if logits is None or not np.isfinite(logits).all() else top(logits, self._classes, 1)[0]

    def _count(self, result: FrameResult) -> None:
        now, frame = self._clock(), result.frame
        self._began = now if self._began is None else self._began
        self._age_ms = None if frame.grabbed is None else max(0.0, now - frame.grabbed) * 1000
        self._dropped.update(frame.dropped)
        figures = Point(
            now - self._began,
            None if result.score is None else result.score.recent,
            None if result.frozen_score is None else result.frozen_score.recent,
            entropy(result.logits),
            None if result.frozen_logits is None else entropy(result.frozen_logits),
            result.fps,
            self._age_ms,
        )
        self._curves.add(figures, named(result))


def named(result: FrameResult) -> str:
    """The corruption of a frame, in words: `gaussian noise 3`, or `clean`."""
    return "clean" if result.frame.corruption is None else "{} {}".format(*result.frame.corruption).replace("_", " ")


def encoded(image: Image) -> bytes:
    """JPEG of an RGB picture, scaled down if it is very large."""
    height, width = image.shape[:2]
    scale = min(1.0, LARGEST_PX[0] / width, LARGEST_PX[1] / height)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(image.dtype, copy=False)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return jpeg.tobytes()
