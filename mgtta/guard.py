"""A guard over what is learned, without labels. Not in MGTTA's paper.

A lesson is as large as the need for it: by how much the model is in more doubt than on clean pictures, if the frames at
hand are different enough to prove that. A generated step is of one size whatever the gradient; where nothing is wrong,
it could only do harm. Frames that are all of one class, and surely so, teach nothing: aligned to the spread of many
classes, their answers would break apart. Each other lesson is judged by what it did to the answers on its own frames:
it may not leave the model in more doubt, nor answer everything alike. What has been learned so far is judged beside the
last parameters known to be good: damage that crept in, as from a flickering picture, shows on the first frames that
differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from mgtta.history import History, Snapshot
from mgtta.logits import as_logits, entropy
from mgtta.losses import discrepancy
from mgtta.memory import effective_size, sketched
from mgtta.statistics import SourceStatistics
from mgtta.types import Method, Step, Tensors, skipped
from mgtta_models import Output

Mode = Literal["off", "warn", "rollback", "stop"]
PROBE = 16  # frames of a lesson that are looked at
PERIOD = 4  # lessons from one comparison with the good parameters to the next
WEIGHT = 0.4 / 64  # of the discrepancy, as in MGTTA's loss
FULL = 4.0  # times the doubt on clean pictures: from there a lesson is as large as the method has it
SURELY = 2.0  # standard errors, by which the doubt must be above that on clean pictures
# By how much a lesson may change the answers, in parts of ln C for C classes. Measured: docs/method.md, "The guard".
MOST_DOUBT = 0.25  # rise of the entropy
MOST_LIKENESS = 0.33  # fall of the variety
MOST_LOSS = 0.18, 1.35  # rise of the loss, and its ratio to that before
MOST_WORSE = 0.07, 1.15  # the same, above that of the good parameters
MOST_SHARE = 0.4  # of one class among the answers of the good parameters: beyond, frames are too alike to judge by
ALIKE = 0.75, 0.25  # share of one class from which, and entropy up to which (in parts of ln C), frames teach nothing


class Look(NamedTuple):
    """What a model makes of some frames."""

    doubt: float  # nats: mean entropy of its answers
    variety: float  # nats: entropy of its mean answer
    share: float  # of the most frequent answer
    loss: float  # nats: doubt and how strange the features are; without source statistics doubt alone
    most: float  # nats: ln C


class Guarded:
    """A method that is watched.

    Where something is wrong, `step` adds `guard_<reason>` to the stats, with what was measured; in the modes that act
    on it, also `skipped_guard`. Frames that are all alike give `skipped_alike`, with the share of their class; frames
    that are answered as surely as clean ones `skipped_sure`, with their doubt. Between, `lr` tells the lesson's rate. A
    method whose state is too large for snapshots (`History`) is not watched.

    Args:
        method: what learns; its `lr`, if it has one, is what a lesson's size is set by.
        look: [b, 3, h, w] -> what the model that it adapts answers now; None with mode `off` only.
        statistics: of the source, for the discrepancy and for the doubt on clean pictures.
        mode: `off`, `warn` (say so), `rollback` (take back what is wrong), `stop` (the same; the caller stops).
        history: what can be taken back.
    """

    def __init__(
        self,
        method: Method,
        look: Callable[[Tensor], Output] | None = None,
        statistics: SourceStatistics | None = None,
        mode: Mode = "off",
        history: History | None = None,
    ) -> None:
        self._method, self._model, self._statistics = method, look, statistics
        self.mode: Mode = mode
        self._history = history or History()
        self.probabilities = method.probabilities
        self._begin()

    def _begin(self) -> None:
        self._history.clear()
        self.updates = self._lessons = 0
        watching = self._model is not None and self.mode != "off"
        self._good = self._history.snapshot(self._method, 0) if watching else None  # None too if it is too large
        self._good_is_source = True

    @property
    def lr(self) -> float | None:
        """The method's rate, where it has one."""
        rate: Any = getattr(self._method, "lr", None)
        return rate

    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, c]."""
        return self._method.predict(x)

    def step(self, x: Tensor) -> Step:
        """Answers, learns, and sees to it that this did no harm."""
        self._lessons += 1
        if self._good is None or self._model is None:
            return self._taught(x)
        stride = max(1, len(x) // PROBE)
        probe, output = x[::stride], self._answered(x)
        before = self._seen(Output(output.logits[::stride], output.features[::stride]))
        worse = self._compared(probe, before) if self._lessons % PERIOD == 0 else None
        if self.mode == "warn":
            step = self._taught(x)
            found = self._harm(before, probe) if worse is None else {"guard_worse": worse}
            return Step(step.logits, {**step.stats, **found})
        if worse is not None:
            logits = self._method.predict(x)
            self._return_to(self._good)
            return Step(logits, {"guard_worse": worse, "skipped_guard": 1.0})
        share, doubt = ALIKE
        if before.share >= share and before.doubt < doubt * before.most:
            return Step(self._method.predict(x), {"skipped_alike": before.share})
        doubts = entropy(output.logits)
        need = self._need(x, doubts)
        if not need:
            return Step(self._method.predict(x), {"skipped_sure": float(doubts.mean())})
        step = self._taught(x, need)
        found = self._harm(before, probe)
        if not found:
            return step
        self.undo()
        return Step(step.logits, {**found, "skipped_guard": 1.0})

    def undo(self) -> bool:
        """Takes the last lesson back; False where none can be."""
        updates = self._history.undo(self._method)
        if updates is not None:
            self.updates = updates
        return updates is not None

    def reset(self) -> None:
        """Returns to the source model."""
        self._method.reset()
        self._begin()

    def parameters(self) -> Tensors:
        """The adapted parameters by name."""
        return self._method.parameters()

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of all that was learned."""
        return self._method.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state_dict` gave, and holds it to be good."""
        self._method.load_state_dict(state)
        if self._good is not None:
            self._good, self._good_is_source = Snapshot(self.updates, dict(state)), False

    def _need(self, x: Tensor, doubts: Tensor) -> float:
        """How large a lesson frames [b, 3, h, w] call for that are in such doubt [b]: 0 (none) to 1."""
        usual = self._statistics.doubt if self._statistics is not None else None
        if not usual or len(x) < 2:
            return 1.0
        doubt, others = float(doubts.mean()), effective_size(sketched(x).unbind()) - 1
        error = float(doubts.std()) / math.sqrt(others) if others > 0 else math.inf
        if doubt - SURELY * error <= usual:  # false where it is not finite: that is found when it has taught
            return 0.0
        return 1.0 if math.isnan(doubt) else min(1.0, (doubt / usual - 1) / (FULL - 1))

    def _taught(self, x: Tensor, need: float = 1.0) -> Step:
        self._history.take(self._method, self.updates)
        step = self._paced(x, need)
        if skipped(step.stats):
            self._history.forget()  # nothing was learned
        else:
            self.updates += 1
        return step

    def _paced(self, x: Tensor, need: float) -> Step:
        rate = self.lr
        if need == 1 or rate is None:
            return self._method.step(x)
        method: Any = self._method
        method.lr = rate * need
        try:
            step = method.step(x)
        finally:
            method.lr = rate
        return Step(step.logits, {**step.stats, "lr": rate * need})

    def _harm(self, before: Look, probe: Tensor) -> dict[str, float]:
        """What is wrong with the lesson just given."""
        return _judged(before, self._seen(self._answered(probe)), self._method.parameters())

    def _return_to(self, snapshot: Snapshot) -> None:
        self._method.load_state_dict(snapshot.state)
        self.updates = snapshot.updates
        self._history.clear()

    def _compared(self, probe: Tensor, now: Look) -> float | None:
        """By how many nats the parameters are worse than the good ones; if they are not, they are the good ones."""
        assert self._good is not None
        current = Snapshot(self.updates, self._method.state_dict())
        self._method.load_state_dict(self._good.state)
        good = self._seen(self._answered(probe))
        self._method.load_state_dict(current.state)
        if good.share > MOST_SHARE and not self._good_is_source:
            return None
        if _risen(good.loss, now.loss, MOST_WORSE, now.most):
            return now.loss - good.loss
        if now.loss <= good.loss:
            self._good, self._good_is_source = current, False
        return None

    @torch.no_grad()
    def _answered(self, x: Tensor) -> Output:
        assert self._model is not None
        return self._model(x)

    @torch.no_grad()
    def _seen(self, output: Output) -> Look:
        doubt = entropy(output.logits).mean()
        mean = output.logits.softmax(dim=1).mean(dim=0, keepdim=True)
        variety = entropy(as_logits(mean, probabilities=True))
        answers = output.logits.argmax(dim=1)
        share = answers.bincount().max() / len(answers)
        if self._statistics is None or len(output.logits) < 2:
            loss = doubt
        else:
            loss = doubt + WEIGHT * discrepancy(output.features, self._statistics)
        return Look(float(doubt), float(variety), float(share), float(loss), math.log(output.logits.shape[1]))


def _judged(before: Look, after: Look, parameters: Tensors) -> dict[str, float]:
    """What is wrong with a lesson, as `guard_<reason>` and nats."""
    if not all(map(math.isfinite, after)) or not all(bool(p.isfinite().all()) for p in parameters.values()):
        return {"guard_not_finite": 1.0}
    risen = {
        "guard_doubt": (after.doubt - before.doubt, MOST_DOUBT * before.most),
        "guard_collapse": (before.variety - after.variety, MOST_LIKENESS * before.most),
    }
    found = {reason: nats for reason, (nats, most) in risen.items() if nats > most}
    if _risen(before.loss, after.loss, MOST_LOSS, before.most):
        found["guard_loss"] = after.loss - before.loss
    return found


def _risen(before: float, after: float, limits: tuple[float, float], most: float) -> bool:
    """Whether a loss is larger by a share of ln C, and by a ratio."""
    share, ratio = limits
    return after - before > share * most and after > ratio * before
