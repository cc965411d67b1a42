"""The loop of a run done again, driven by its log: each update is given where, and from which frames, the log says."""

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
from mgtta_cam.replay.tape import Beat, Tape
from mgtta_cam.stream.predictor import Input, Predictor
from mgtta_cam.types import Frame, FrameResult, Update

NAP_S = 0.0005  # between two looks whether an update beside the loop is done


class ReplayPipeline:
    """Answers the frames of a log, and teaches as the log says. In the place of `mgtta_cam.stream.pipeline.Pipeline`.

    Args:
        tape: the log.
        methods: name -> builder, as for the pipeline.
        method: the name to begin with.
        prepare: pixels to tensor.
        frozen: [1, 3, s, s] -> logits [1, c] of the source model; asked where the log has its answer.
        check: looks at each result beside its beat.
        emit: hears of events.
    """

    def __init__(
        self,
        tape: Tape,
        methods: Mapping[str, Callable[[], Learner]],
        method: str,
        prepare: Input,
        frozen: Callable[[Tensor], Tensor],
        check: Callable[[Beat, FrameResult], None],
        emit: EventHandler,
    ) -> None:
        self._tape, self._methods, self._check, self._emit = tape, methods, check, emit
        self._answering = Predictor(prepare, frozen)
        self._kept: dict[int, Member] = {}  # frames that an update to come is made of
        self._latest: Update | None = None
        self._use(method)

    def __call__(self, frames: Iterable[Frame]) -> Iterator[FrameResult]:
        """Answers frame after frame."""
        for position, (beat, frame) in enumerate(zip(self._tape.beats(), frames, strict=True)):
            for event in beat.before:
                self._happened(event)
            result = self._answer(frame, beat, position)
            self._check(beat, result)
            yield result

    def close(self) -> None:
        """Lets threads go."""
        self.learner.close()

    def restore(self, state: Mapping[str, Tensor], updates: int) -> None:
        """Goes on from what was learned before, as `mgtta_cam.stream.pipeline.Pipeline.restore`."""
        self.learner.restore(state, updates)

    def _answer(self, frame: Frame, beat: Beat, position: int) -> FrameResult:
        asked = {"compare": "frozen_top" in beat.frame, "teacher": "teacher_agree" in beat.frame}
        result, x = self._answering(self.learner, self.method, frame, **asked)
        if self._tape.last_use.get(frame.index, -1) >= position:
            self._kept[frame.index] = member(frame.index, x, int(result.logits.argmax()))
        update = self._updated(beat.update, position) if beat.update is not None else None
        if self._latest is None:
            return replace(result, update=update)
        variety, why = self._latest.stats.get("effective_size"), self._latest.skipped
        return replace(result, update=update, effective_size=variety, skipped=why)

    def _updated(self, record: Record, position: int) -> Update:
        """Gives the update of an update line, wherever updates are given."""
        self.learner.begin_update(self._members(record["frames"], f"update {record['n']}", position))
        while (update := self.learner.finished_update()) is None:
            time.sleep(NAP_S)
        self._latest = update
        if reasons := alarm(update.alarms):
            kind = "guard" if self.learner.mode == "warn" else "rollback"
            self._emit(kind, updates=self.learner.updates, reasons=reasons)
        return update

    def _members(self, indices: Sequence[int], what: str, position: int) -> list[Member]:
        try:
            members = [self._kept[index] for index in indices]
        except KeyError as error:
            raise ReplayError(f"{what} was made of frame {error}, which the log does not have before it") from None
        for index in indices:
            if self._tape.last_use[index] <= position:
                del self._kept[index]
        return members

    def _happened(self, event: Record) -> None:
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
        told: dict[str, Any] = {"method": self.method, "updates": self.learner.updates}
        self._emit(event["kind"], **told)

    def _undo(self, dropped: Sequence[int]) -> None:
        if dropped:  # an update that was under way, and came to nothing
            self.learner.begin_update([self._kept[index] for index in dropped])
        self.learner.undo()

    def _use(self, name: str) -> None:
        if name not in self._methods:
            raise ReplayError(f"the log goes on with a method {name!r}, which there is not")
        self.learner, self.method = self._methods[name](), name
        self._latest = None
