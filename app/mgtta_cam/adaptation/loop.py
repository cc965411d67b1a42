"""Which frames of a stream become updates, and when; what keys and the guard's alarms change about that."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from mgtta.memory import Memory, member
from mgtta_cam.adaptation.learner import Learner, alarm
from mgtta_cam.adaptation.schedule import UpdateSchedule, Window
from mgtta_cam.config.settings import NOT_ADAPTING
from mgtta_cam.errors import GuardError
from mgtta_cam.events import EventHandler, ignore
from mgtta_cam.types import Frame, Update
from mgtta_models import ModelError

CLOSING_S = 0.5  # patience with an update under way when the run ends


class AdaptationLoop:
    """Adapts one stream's model with the method in use.

    Args:
        learners: method name -> builder, each on the same backbone; the learner before is reset and closed first.
        method: the name to begin with.
        window: when the remembered frames become an update.
        memory: which frames are remembered.
        emit: gets events.

    Raises:
        ModelError: if the first method cannot be built.
    """

    def __init__(
        self,
        learners: Mapping[str, Callable[[], Learner]],
        method: str,
        window: Window,
        memory: Memory,
        emit: EventHandler = ignore,
    ) -> None:
        self._learners, self._window, self._memory, self._emit = learners, window, memory, emit
        self._schedule = UpdateSchedule(window)
        self._use(method)

    def consider(self, frame: Frame, x: Tensor, label: int, spare_ms: float, *, adapting: bool) -> None:
        """Remembers a frame, unless it was rejected; begins an update when one is due.

        Args:
            frame: just answered.
            x: [3, s, s] the model's input.
            label: the class that was answered.
            spare_ms: how long the loop waited for the frame.
            adapting: whether the stream adapts at the moment.
        """
        most = self._window.most_updates
        spent = most is not None and self.learner.updates >= most
        if not adapting or self.method == NOT_ADAPTING or spent:
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

    def finished(self) -> Update | None:
        """An update that has finished since the last call; the next frame is answered by the model after it.

        Raises:
            GuardError: if the guard's alarm stops the run.
        """
        update = self.learner.finished_update()
        if update is not None:
            self._schedule.took(update.ms)
            self.latest = update
            if reasons := alarm(update.alarms):
                self._heed(reasons)
        return update

    def _heed(self, reasons: str) -> None:
        mode = self.learner.mode
        self._emit("guard" if mode == "warn" else "rollback", updates=self.learner.updates, reasons=reasons)
        if mode != "warn":
            self._memory.clear()  # its frames made the model worse
        if mode == "stop":
            raise GuardError(
                f"the guard stopped the run after {self.learner.updates} good updates ({reasons}): later updates made "
                "the model worse and were undone; adapt more slowly with --lr, or continue with --guard rollback"
            )

    def forget_frames(self) -> None:
        """Forgets remembered frames: they say nothing of what the stream shows now."""
        self._memory.clear()

    def reset(self) -> None:
        """Returns to the source model."""
        self.learner.reset()
        self._begin()
        self._emit("reset", method=self.method, updates=self.learner.updates)

    def undo(self) -> None:
        """Takes the last update back, and forgets its frames."""
        undone = self.learner.undo()
        if undone.back:
            self._memory.clear()
        dropped = {"dropped": list(undone.dropped)} if undone.dropped else {}
        self._emit("undo", method=self.method, updates=self.learner.updates, **dropped)

    def next_method(self) -> None:
        """Goes on with the next method that can be built, from the source model."""
        names = list(self._learners)
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

    def restore(self, state: Mapping[str, Tensor], updates: int) -> None:
        """Goes on from what `updates` earlier updates learned.

        Raises:
            ValueError: if another method or model learned it.
        """
        self.learner.restore(state, updates)

    def close(self) -> None:
        """Ends the learner's thread, if it has one."""
        self.learner.close(CLOSING_S)

    def _use(self, name: str) -> None:
        self.learner, self.method = self._learners[name](), name
        self._begin()

    def _begin(self) -> None:
        self._forget()
        self.latest: Update | None = None

    def _forget(self) -> None:
        self._memory.clear()
        self._schedule.restart()
        self._seen = 0
