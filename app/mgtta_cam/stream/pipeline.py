"""The loop: each frame is answered at once by the model as it is, and considered for the next update."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from mgtta_cam.adaptation.loop import AdaptationLoop
from mgtta_cam.events import EventHandler, ignore
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.predictor import Predictor
from mgtta_cam.types import Frame, FrameResult


class Pipeline:
    """Frames in, results out, in order, one for one.

    Args:
        adaptation: of the stream's model.
        predictor: answers frames.
        controls: what keys change.
        emit: gets events.
        warmup: predictions on the first frame before it is answered: those of a new process are slow.
        reset_on: `cut` or `reconnect` return to the source model then; `none` does not.
        teacher: answer corrupted frames clean with the source model as well, while models are compared.
        clock: seconds.
    """

    def __init__(
        self,
        adaptation: AdaptationLoop,
        predictor: Predictor,
        controls: Controls,
        *,
        emit: EventHandler = ignore,
        warmup: int = 0,
        reset_on: str = "none",
        teacher: bool = True,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.adaptation, self._predictor, self._controls = adaptation, predictor, controls
        self._emit, self._warmup, self._reset_on, self._teacher = emit, warmup, reset_on, teacher
        self._clock = clock
        self._connection = 0

    def __call__(self, frames: Iterable[Frame]) -> Iterator[FrameResult]:
        """Answers frame after frame; a frame that completes an update carries it."""
        coming = iter(frames)
        while True:
            asked = self._clock()
            frame = next(coming, None)
            if frame is None:
                return
            waited_ms = (self._clock() - asked) * 1000 - frame.ms.get("corrupt", 0.0)
            compare = self._controls.compare
            self._predictor.warm_up(self.adaptation.learner, frame.image, self._warmup, compare=compare)
            self._warmup = 0
            self._run_commands()
            self._begin_scene(frame)
            yield self._answer(frame, waited_ms)

    def close(self) -> None:
        """Ends the adaptation's thread, if it has one."""
        self.adaptation.close()

    def _answer(self, frame: Frame, waited_ms: float) -> FrameResult:
        adaptation, compare = self.adaptation, self._controls.compare
        teacher = compare and self._teacher
        result, x = self._predictor(adaptation.learner, adaptation.method, frame, compare=compare, teacher=teacher)
        began = self._clock()
        adaptation.consider(frame, x, result.top1, waited_ms, adapting=self._controls.adapting)
        update = adaptation.finished()
        latest = adaptation.latest
        return replace(
            result,
            update=update,
            effective_size=latest.stats.get("effective_size") if latest else None,
            skipped=latest.skipped if latest else None,
            ms={**result.ms, "adapt": (self._clock() - began) * 1000},
        )

    def _begin_scene(self, frame: Frame) -> None:
        """After a cut, or when a lost source is back."""
        back = frame.connection != self._connection
        self._connection = frame.connection
        if frame.cut:
            self._emit("cut", frame=frame.index)
        if (self._reset_on == "cut" and frame.cut) or (self._reset_on == "reconnect" and back):
            self.adaptation.reset()
        elif back:
            self.adaptation.forget_frames()

    def _run_commands(self) -> None:
        for command in self._controls.take("reset", "method", "undo"):
            match command:
                case "reset":
                    self.adaptation.reset()
                case "method":
                    self.adaptation.next_method()
                case _:
                    self.adaptation.undo()
