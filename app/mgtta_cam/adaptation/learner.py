"""What the loop asks of a learner, and updates inline; `mgtta_cam.adaptation.background` has them on a thread."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from mgtta.guard import Guarded, Mode
from mgtta.memory import Member, effective_size
from mgtta_cam.digests import of_tensors, traces
from mgtta_cam.types import Update

TURN = threading.Lock()  # one update at a time among several streams: each uses all threads


class Undone(NamedTuple):
    """The result of undoing an update."""

    back: bool  # whether an update was undone
    dropped: tuple[int, ...] = ()  # frames of the update under way, which was dropped


class Learner(Protocol):
    """What the loop asks of a model that adapts: predictions at once, updates when they are ready."""

    probabilities: bool
    adapted: tuple[str, ...]  # names of the adapted tensors, in order

    @property
    def updates(self) -> int:
        """Number of updates that predictions use."""
        ...

    @property
    def mode(self) -> Mode:
        """What the guard does."""
        ...

    @property
    def busy(self) -> bool:
        """Whether an update is under way; no other can begin then."""
        ...

    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, c], from one whole set of parameters."""
        ...

    def begin_update(self, members: Sequence[Member]) -> None:
        """Begins an update."""
        ...

    def finished_update(self) -> Update | None:
        """An update that has finished, once; predictions use it from now on."""
        ...

    def undo(self) -> Undone:
        """Undoes the last update."""
        ...

    def reset(self) -> None:
        """Returns to the source model."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of all that predictions use."""
        ...

    def restore(self, state: Mapping[str, Tensor], updates: int) -> None:
        """Restores what `state_dict` gave after `updates` updates."""
        ...

    def close(self, patience_s: float | None = None) -> None:
        """Ends threads after the update under way; does not wait for it longer than `patience_s`."""
        ...


class UpdateRunner:
    """Runs a method's updates, and counts them.

    Args:
        learner: at the source model.
    """

    def __init__(self, learner: Guarded) -> None:
        self.learner = learner
        self._source = {name: value.detach().clone() for name, value in learner.parameters().items()}
        self._given = 0

    def begin_update(self, members: Sequence[Member]) -> Update:
        """Runs one update from first to last."""
        self._given += 1
        with TURN:
            began = time.perf_counter()
            step = self.learner.step(torch.stack([one.x for one in members]))
        stats = dict(step.stats)
        parameters = self.learner.parameters()
        left = traces(parameters, self._source)
        stats["distance"] = math.hypot(*left.moved)
        stats["effective_size"] = effective_size([one.sketch for one in members])
        if self.learner.lr is not None:
            stats.setdefault("lr", self.learner.lr)
        frames = tuple(one.frame for one in members)
        ms = (time.perf_counter() - began) * 1000
        digest = of_tensors(parameters)
        return Update(self._given, frames, stats, digest, left, ms, skipped=step.skipped, alarms=step.alarms)

    def reset(self) -> None:
        """Returns to the source model; updates are counted from there."""
        self.learner.reset()
        self._given = 0


class Inline:
    """Updates inline: the frame that completes a window waits for its update.

    Args:
        learner: what predicts and adapts.
    """

    def __init__(self, learner: Guarded) -> None:
        self._learner, self._runner = learner, UpdateRunner(learner)
        self._update: Update | None = None
        self.probabilities, self.predict = learner.probabilities, learner.predict
        self.state_dict, self.adapted = learner.state_dict, tuple(learner.parameters())
        self.busy = False

    @property
    def updates(self) -> int:
        """Number of updates so far."""
        return self._learner.updates

    @property
    def mode(self) -> Mode:
        """What the guard does."""
        return self._learner.mode

    def begin_update(self, members: Sequence[Member]) -> None:
        """Runs the whole update."""
        self._update = self._runner.begin_update(members)

    def finished_update(self) -> Update | None:
        """The update just run."""
        update, self._update = self._update, None
        return update

    def undo(self) -> Undone:
        """Undoes the last update."""
        return Undone(self._learner.undo())

    def reset(self) -> None:
        """Returns to the source model."""
        self._runner.reset()

    def restore(self, state: Mapping[str, Tensor], updates: int) -> None:
        """Restores what earlier updates learned."""
        self._learner.updates = updates
        self._learner.load_state_dict(state)

    def close(self, patience_s: float | None = None) -> None:
        """There is no thread."""


def alarm(alarms: Mapping[str, float]) -> str:
    """What the guard found wrong with an update, for people; empty if nothing."""
    return ", ".join(f"{kind.replace('_', ' ')} {nats:+.2f}" for kind, nats in alarms.items())
