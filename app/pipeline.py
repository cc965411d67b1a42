"""The loop: each frame is answered at once by the model as it is; windows of frames teach it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from app.controls import Controls
from app.digests import digest
from app.errors import GuardError
from app.metrics import Accuracy, Rate
from app.pace import Pace, Window
from app.settings import NOT_ADAPTING
from app.teaching import Learner
from app.types import Frame, FrameResult, Image, Lesson
from mgtta.losses import as_logits
from mgtta.memory import Memory, member
from mgtta.types import skipped
from models import ModelError

PATIENCE_S = 0.5  # for a lesson under way, when the run ends
Tell = Callable[..., None]  # tell(kind, **facts): an event for the log and for people


@dataclass(frozen=True, slots=True)
class Input:
    """From a frame's image to the model's input."""

    crop: Callable[[Image], Image]  # uint8 [h, w, 3] -> uint8 [s, s, 3]
    tensor: Callable[[Image], Tensor]  # the crop -> [3, s, s] where the model is


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
        tell: hears of events.
        reset_on: `cut` or `reconnect` return to the source model then.
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
        tell: Tell = lambda *_, **__: None,
        reset_on: str = "none",
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.controls, self._methods, self._prepare = controls, methods, prepare
        self._window, self._memory, self._reset_on = window, memory, reset_on
        self._pace = Pace(window)
        self._frozen, self._warmup, self._tell, self._clock = frozen, warmup, tell, clock
        self._rate, self._adapted_score, self._frozen_score = Rate(), Accuracy(), Accuracy()
        self._latest: Mapping[str, float] = {}  # stats of the latest lesson
        self._connection = 0
        self._use(method)

    def __call__(self, frames: Iterable[Frame]) -> Iterator[FrameResult]:
        """Answers frame after frame; a frame that completes a window carries its lesson."""
        coming = iter(frames)
        while True:
            asked = self._clock()
            frame = next(coming, None)
            if frame is None:
                return
            waited_ms = (self._clock() - asked) * 1000 - frame.ms.get("corrupt", 0.0)
            self._warm_up(frame.image)
            self._fulfill_wishes()
            self._begin_scene(frame)
            yield self._answer(frame, waited_ms)

    def close(self) -> None:
        """Lets threads go, at the end of a run."""
        self.learner.close(PATIENCE_S)

    def _warm_up(self, image: Image) -> None:
        for _ in range(self._warmup):
            x = self._prepare.tensor(self._prepare.crop(image)).unsqueeze(0)
            self.learner.predict(x)
            if self.controls.compare:
                self._frozen(x)
        self._warmup = 0

    def _answer(self, frame: Frame, waited_ms: float) -> FrameResult:
        began = self._clock()
        crop = self._prepare.crop(frame.image)
        x = self._prepare.tensor(crop)
        prepared = self._clock()
        logits = _array(as_logits(self.learner.predict(x.unsqueeze(0)), self.learner.probabilities))
        answered = self._clock()
        frozen_logits = _array(self._frozen(x.unsqueeze(0))) if self.controls.compare else None
        compared = self._clock()
        updates = self.learner.updates
        self._consider(frame, x, int(logits.argmax()), waited_ms)
        lesson = self._lesson()
        ms = {
            **frame.ms,
            "prep": (prepared - began) * 1000,
            "infer": (answered - prepared) * 1000,
            "frozen": (compared - answered) * 1000,
            "adapt": (self._clock() - compared) * 1000,
        }
        if frame.label is not None:
            self._adapted_score.update(int(logits.argmax()) == frame.label)
            if frozen_logits is not None:
                self._frozen_score.update(int(frozen_logits.argmax()) == frame.label)
        return FrameResult(
            frame,
            logits,
            latency_ms=(answered - began) * 1000,
            method=self.method,
            updates=updates,
            frozen_logits=frozen_logits,
            lesson=lesson,
            score=self._adapted_score.score(),
            frozen_score=self._frozen_score.score() if frozen_logits is not None else None,
            fps=self._rate.update(answered),
            crop=crop,
            digest=digest(crop),
            variety=self._latest.get("effective_size"),
            unlearned=skipped(self._latest),
            ms=ms,
        )

    def _consider(self, frame: Frame, x: Tensor, label: int, spare_ms: float) -> None:
        """Remembers a frame, if it may teach; a lesson begins when it is due."""
        spent = self._window.most_updates is not None and self.learner.updates >= self._window.most_updates
        if not self.controls.adapting or self.method == NOT_ADAPTING or spent:
            self._forget()  # a window is of frames that follow each other
            return
        if frame.refused:
            return
        if self._seen % self._window.stride == 0:
            self._memory.add(member(frame.index, x, label))
        self._seen += 1
        self._pace.frame(spare_ms)
        if self._memory.ready and self._pace.due and not self.learner.busy:
            self._pace.restart()
            self.learner.teach(self._memory.members())

    def _lesson(self) -> Lesson | None:
        """A lesson that is finished: the next frame is answered with what it taught."""
        lesson = self.learner.taught()
        if lesson is not None:
            self._pace.took(lesson.ms)
            self._latest = lesson.stats
            self._alarmed(lesson.stats)
        return lesson

    def _forget(self) -> None:
        self._memory.clear()
        self._pace.restart()
        self._seen = 0

    def _alarmed(self, stats: Mapping[str, float]) -> None:
        """Tells of what the guard found; frames that did harm teach no more.

        Raises:
            GuardError: if the run is to stop then.
        """
        found = {name.removeprefix("guard_"): nats for name, nats in stats.items() if name.startswith("guard_")}
        if not found:
            return
        reasons = ", ".join(f"{name.replace('_', ' ')} {nats:+.2f}" for name, nats in found.items())
        kind = "guard" if self.learner.mode == "warn" else "rollback"
        self._tell(kind, updates=self.learner.updates, reasons=reasons)
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
            self._tell("cut", frame=frame.index)
        if (self._reset_on == "cut" and frame.cut) or (self._reset_on == "reconnect" and back):
            self._reset()
        elif back:
            self._memory.clear()  # what was seen before says nothing of what is seen now

    def _reset(self) -> None:
        self.learner.reset()
        self._begin()
        self._tell("reset", method=self.method, updates=self.learner.updates)

    def _fulfill_wishes(self) -> None:
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
        self._tell("undo", method=self.method, updates=self.learner.updates, **dropped)

    def take_up(self, state: Mapping[str, Tensor], updates: int) -> None:
        """Goes on from what was learned before, by so many updates.

        Raises:
            ValueError: if it was learned by another method, or another model.
        """
        self.learner.take_up(state, updates)

    def _next_method(self) -> None:
        names = list(self._methods)
        at = names.index(self.method)
        for name in [*names[at + 1 :], *names[: at + 1]]:
            self.learner.reset()
            self.learner.close()
            try:
                self._use(name)
            except ModelError as error:
                self._tell("method-unavailable", name=name, why=str(error))
                continue
            return self._tell("method", method=name, updates=self.learner.updates, adapted=list(self.learner.adapted))
        raise AssertionError("the method in use can be built again")

    def _use(self, name: str) -> None:
        self.learner, self.method = self._methods[name](), name
        self._begin()

    def _begin(self) -> None:
        self._forget()
        self._latest = {}


def _array(logits: Tensor) -> NDArray[np.float32]:
    """[1, c] -> [c] on the CPU."""
    return logits[0].detach().float().cpu().numpy()
