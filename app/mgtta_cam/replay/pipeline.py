"""Replay the loop of a run: each update happens where the log says, on the frames that the log lists."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from mgtta.memory import Member, member
from mgtta_cam.adaptation.learner import Learner, alarm
from mgtta_cam.errors import ReplayError
from mgtta_cam.events import EventHandler
from mgtta_cam.log.format import Record
from mgtta_cam.replay.tape import LoggedFrame, Tape
from mgtta_cam.stream.predictor import Predictor
from mgtta_cam.types import Frame, FrameResult, Update

POLL_S = 0.0005  # between two checks whether a background update has finished


class ReplayPipeline:
    """Classifies a log's frames and adapts where the log says; stands in for `mgtta_cam.stream.pipeline.Pipeline`.

    Args:
        tape: the log.
        learners: method name -> builder, as for the stream's adaptation.
        method: name of the initial method.
        predictor: classifies frames; runs the source model where the log has its prediction.
        check: compares each result with its logged frame.
        emit: receives events.
    """

    def __init__(
        self,
        tape: Tape,
        learners: Mapping[str, Callable[[], Learner]],
        method: str,
        predictor: Predictor,
        *,
        check: Callable[[LoggedFrame, FrameResult], None],
        emit: EventHandler,
    ) -> None:
        self._tape, self._learners, self._check, self._emit = tape, learners, check, emit
        self._predictor = predictor
        self._kept: dict[int, Member] = {}  # frames that a later update needs
        self._latest: Update | None = None
        self._use(method)

    def __call__(self, frames: Iterable[Frame]) -> Iterator[FrameResult]:
        """Classify frame after frame."""
        for position, (logged, frame) in enumerate(zip(self._tape.logged_frames(), frames, strict=True)):
            for event in logged.before:
                self._apply(event)
            result = self._predict(frame, logged, position)
            self._check(logged, result)
            yield result

    def close(self) -> None:
        """Stop the learner's threads."""
        self.learner.close()

    def restore(self, state: Mapping[str, Tensor], updates: int) -> None:
        """Continue from a saved state, as `AdaptationLoop.restore` does."""
        self.learner.restore(state, updates)

    def _predict(self, frame: Frame, logged: LoggedFrame, position: int) -> FrameResult:
        asked = {"compare": "frozen_top" in logged.frame, "teacher": "teacher_agree" in logged.frame}
        result, x = self._predictor(self.learner, self.method, frame, **asked)
        if self._tape.last_use.get(frame.index, -1) >= position:
            self._kept[frame.index] = member(frame.index, x, result.top1)
        update = self._updated(logged.update, position) if logged.update is not None else None
        if self._latest is None:
            return replace(result, update=update)
        variety, why = self._latest.stats.get("effective_size"), self._latest.skipped
        return replace(result, update=update, effective_size=variety, skipped=why)

    def _updated(self, record: Record, position: int) -> Update:
        """Run the update of an update line, inline or in the background."""
        self.learner.begin_update(self._members(record["frames"], f"update {record['n']}", position))
        while (update := self.learner.finished_update()) is None:
            time.sleep(POLL_S)
        self._latest = update
        if reasons := alarm(update.alarms):
            kind = "guard" if self.learner.mode == "warn" else "rollback"
            self._emit(kind, updates=self.learner.updates, reasons=reasons)
        return update

    def _members(self, indices: Sequence[int], what: str, position: int) -> list[Member]:
        try:
            members = [self._kept[index] for index in indices]
        except KeyError as error:
            raise ReplayError(f"{what} was made of frame {error}, which does not precede it in the log") from None
        for index in indices:
            if self._tape.last_use[index] <= position:
                del self._kept[index]
        return members

    def _apply(self, event: Record) -> None:
        match event["kind"]:
            case "reset":
                self.learner.reset()
                self._latest = None
            case "method":
                self.learner.reset()
                self.learner.close()
                self._use(event["method"])
            case _:
                self._undo(event.get("dropped", ()))
        facts: dict[str, Any] = {"method": self.method, "updates": self.learner.updates}
        self._emit(event["kind"], **facts)

    def _undo(self, dropped: Sequence[int]) -> None:
        if dropped:  # an update was in progress and was discarded
            self.learner.begin_update([self._kept[index] for index in dropped])
        self.learner.undo()

    def _use(self, name: str) -> None:
        if name not in self._learners:
            raise ReplayError(f"the log continues with method {name!r}, which this version does not have")
        self.learner, self.method = self._learners[name](), name
        self._latest = None
