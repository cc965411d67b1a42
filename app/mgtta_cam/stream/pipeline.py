"""The loop: each frame is answered at once by the model as it is; windows of frames teach it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from torch import Tensor

from mgtta.memory import Memory, member
from mgtta_cam.adaptation.learner import Learner, alarm
from mgtta_cam.adaptation.schedule import UpdateSchedule, Window
from mgtta_cam.config.settings import NOT_ADAPTING
from mgtta_cam.errors import GuardError
from mgtta_cam.events import EventHandler, ignore
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.predictor import Input, Predictor
from mgtta_cam.types import Frame, FrameResult, Update
from mgtta_models import ModelError

PATIENCE_S = 0.5  # for an update under way, when the run ends
Tell = Callable[..., None]  # emit(kind, **facts): an event for the log and for people


class Pipeline:
    """Frames in, results out, in order, one for one.

    Args:
        methods: name -> builder, each on the same backbone; the one before is reset and closed first.
        method: the name to begin with.
        prepare: pixels to tensor.
        window: when the frames gathered teach.
        memory: which of them it keeps.
        frozen: [1, 3, s, s] -> logits [1, c] of the source model; asked while `controls.compare` is on.
        controls: what keys change.
        warmup: answers to the first frame that nobody sees: those of a new process are slow.
        emit: hears of events.
        reset_on: `cut` or `reconnect` return to the source model then.
        teacher: the source model sees corrupted frames clean as well, while models are compared.
        clock: seconds.

    Raises:
        ModelError: if the first method cannot be built.
    """

    def __init__(
        self,
        methods: Mapping[str, Callable[[], Learner]],
        method: str,
        prepare: Input,
        window: Window,
        memory: Memory,
        frozen: Callable[[Tensor], Tensor],
        controls: Controls,
        warmup: int = 0,
        emit: EventHandler = ignore,
        reset_on: str = "none",
        teacher: bool = True,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.controls, self._methods = controls, methods
        self._answering = Predictor(prepare, frozen, clock)
        self._window, self._memory, self._reset_on = window, memory, reset_on
        self._schedule = UpdateSchedule(window)
        self._warmup, self._emit, self._clock = warmup, emit, clock
        self._teacher = teacher
        self._latest: Update | None = None
        self._connection = 0
        self._use(method)

    def __call__(self, frames: Iterable[Frame]) -> Iterator[FrameResult]:
        """Answers frame after frame; a frame that completes a window carries its update."""
        coming = iter(frames)
        while True:
            asked = self._clock()
            frame = next(coming, None)
            if frame is None:
                return
            waited_ms = (self._clock() - asked) * 1000 - frame.ms.get("corrupt", 0.0)
            self._answering.warm_up(self.learner, frame.image, self._warmup, compare=self.controls.compare)
            self._warmup = 0
            self._run_commands()
            self._begin_scene(frame)
            yield self._answer(frame, waited_ms)

    def close(self) -> None:
        """Lets threads go, at the end of a run."""
        self.learner.close(PATIENCE_S)

    def _answer(self, frame: Frame, waited_ms: float) -> FrameResult:
        compare = self.controls.compare
        result, x = self._answering(
            self.learner, self.method, frame, compare=compare, teacher=compare and self._teacher
        )
        began = self._clock()
        self._consider(frame, x, int(result.logits.argmax()), waited_ms)
        update = self._update()
        return replace(
            result,
            update=update,
            effective_size=self._latest.stats.get("effective_size") if self._latest else None,
            skipped=self._latest.skipped if self._latest else None,
            ms={**result.ms, "adapt": (self._clock() - began) * 1000},
        )

    def _consider(self, frame: Frame, x: Tensor, label: int, spare_ms: float) -> None:
        """Remembers a frame, if it may teach; an update begins when it is due."""
        spent = self._window.most_updates is not None and self.learner.updates >= self._window.most_updates
        if not self.controls.adapting or self.method == NOT_ADAPTING or spent:
            self._forget()  # a window is of frames that follow each other
            return
        if frame.rejected:
            return
        if self._seen % self._window.stride == 0:
            self._memory.add(member(frame.index, x, label))
        self._seen += 1
        self._schedule.frame(spare_ms)
        if self._memory.ready and self._schedule.due and not self.learner.busy:
            self._schedule.restart()
            self.learner.begin_update(self._memory.members())

    def _update(self) -> Update | None:
        """An update that is finished: the next frame is answered with what it taught."""
        update = self.learner.finished_update()
        if update is not None:
            self._schedule.took(update.ms)
            self._latest = update
            self._alarmed(update.alarms)
        return update

    def _forget(self) -> None:
        self._memory.clear()
        self._schedule.restart()
        self._seen = 0

    def _alarmed(self, alarms: Mapping[str, float]) -> None:
        """Tells of what the guard found; frames that did harm teach no more.

        Raises:
            GuardError: if the run is to stop then.
        """
        reasons = alarm(alarms)
        if not reasons:
            return
        kind = "guard" if self.learner.mode == "warn" else "rollback"
        self._emit(kind, updates=self.learner.updates, reasons=reasons)
        if self.learner.mode != "warn":
            self._memory.clear()
        if self.learner.mode == "stop":
            raise GuardError(
                f"the guard stopped the run after {self.learner.updates} good updates ({reasons}): what came after "
                "them did harm and was taken back; learn more slowly with --lr, or go on with --guard rollback"
            )

    def _begin_scene(self, frame: Frame) -> None:
        """After a cut, or when a source that was lost is back."""
        back = frame.connection != self._connection
        self._connection = frame.connection
        if frame.cut:
            self._emit("cut", frame=frame.index)
        if (self._reset_on == "cut" and frame.cut) or (self._reset_on == "reconnect" and back):
            self._reset()
        elif back:
            self._memory.clear()  # what was seen before says nothing of what is seen now

    def _reset(self) -> None:
        self.learner.reset()
        self._begin()
        self._emit("reset", method=self.method, updates=self.learner.updates)

    def _run_commands(self) -> None:
        for wish in self.controls.take("reset", "method", "undo"):
            match wish:
                case "reset":
                    self._reset()
                case "method":
                    self._next_method()
                case _:
                    self._undo()

    def _undo(self) -> None:
        undone = self.learner.undo()
        if undone.back:
            self._memory.clear()  # its frames taught what is taken back
        dropped = {"dropped": list(undone.dropped)} if undone.dropped else {}
        self._emit("undo", method=self.method, updates=self.learner.updates, **dropped)

    def restore(self, state: Mapping[str, Tensor], updates: int) -> None:
        """Goes on from what was learned before, by so many updates.

        Raises:
            ValueError: if it was learned by another method, or another model.
        """
        self.learner.restore(state, updates)

    def _next_method(self) -> None:
        names = list(self._methods)
        at = names.index(self.method)
        for name in [*names[at + 1 :], *names[: at + 1]]:
            self.learner.reset()
            self.learner.close()
            try:
                self._use(name)
            except ModelError as error:
                self._emit("method-unavailable", name=name, why=str(error))
                continue
            return self._emit("method", method=name, updates=self.learner.updates, adapted=list(self.learner.adapted))
        raise AssertionError("the method in use can be built again")

    def _use(self, name: str) -> None:
        self.learner, self.method = self._methods[name](), name
        self._begin()

    def _begin(self) -> None:
        self._forget()
        self._latest = None
