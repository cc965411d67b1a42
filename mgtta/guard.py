"""A guard over what is learned, without labels. Not in MGTTA's paper.

An update is as large as the need for it: by how much the entropy of the model's answers is above that on clean
pictures, if the frames at hand are different enough to prove that. A generated update has one size whatever the
gradient; where nothing is wrong, it could only do harm. Frames that are all of one class, and surely so, are not
learned from: aligned to the spread of many classes, their answers would break apart. Each other update is judged by
what it did to the answers on its own frames: it may neither raise their entropy much nor make them all alike. What has
been learned so far is compared with the last parameters known to be good: damage that crept in, as from a flickering
picture, shows on the first frames that differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from mgtta.history import History, Snapshot
from mgtta.logits import as_logits, entropy, softmax
from mgtta.losses import discrepancy
from mgtta.memory import effective_size, sketched
from mgtta.statistics import SourceStatistics
from mgtta.types import Method, Step, Tensors
from mgtta_models import Output

Mode = Literal["off", "warn", "rollback", "stop"]
UNDONE = "guard"  # reason to skip: the guard took the update back
PROBE = 16  # frames of a window that an update is judged by
PERIOD = 4  # steps from one comparison with the good parameters to the next
WEIGHT = 0.4 / 64  # of the discrepancy, as in MGTTA's loss
FULL = 4.0  # times the entropy on clean pictures: from there an update is as large as the method makes it
SURELY = 2.0  # standard errors, by which the entropy must be above that on clean pictures
# By how much an update may change the answers, in parts of ln C for C classes. Measured: docs/method.md, "The guard".
MOST_ENTROPY = 0.25  # rise of the entropy
MOST_LIKENESS = 0.33  # fall of the variety
MOST_LOSS = 0.18, 1.35  # rise of the loss, and its ratio to that before
MOST_WORSE = 0.07, 1.15  # the same, above that of the good parameters
MOST_SHARE = 0.4  # of one class among the answers of the good parameters: beyond, frames are too alike to judge by
ALIKE = 0.75, 0.25  # share of one class from which, and entropy up to which (in parts of ln C), frames are alike


class Probe(NamedTuple):
    """How a model answers some frames."""

    entropy: float  # nats: mean entropy of its answers
    variety: float  # nats: entropy of its mean answer
    share: float  # of the most frequent answer, 0..1
    loss: float  # nats: entropy plus discrepancy of the features; without source statistics entropy alone
    largest: float  # nats: ln C, which no entropy exceeds


class Guarded:
    """A method that is watched: updates that do harm are taken back.

    Where something is wrong, the step's `alarms` say what and by how many nats: `entropy`, `collapse`, `loss`, `worse`
    (than the last good parameters), `not_finite`. In the modes that act on it, the step is `skipped` for `guard`.
    Frames that are all alike are skipped as `alike`, frames that are answered as surely as clean ones as `sure`.
    Between, the stats' `lr` is the rate of the update. A method whose state is too large for snapshots (`History`) is
    not watched.

    Args:
        method: what learns.
        model: [b, 3, h, w] -> output of the model that it adapts, as it is now; None with mode `off` only.
        statistics: of the source, for the discrepancy and for the entropy on clean pictures.
        mode: `off`, `warn` (alarms only), `rollback` (takes back what is wrong), `stop` (the same; the caller stops).
        history: what can be undone.

    Example:
        >>> from mgtta import METHODS
        >>> from mgtta_models.tiny import tiny_backbone
        >>> model = tiny_backbone()
        >>> guarded = Guarded(METHODS["tent"](model, lr=100.0), model, mode="rollback")
        >>> step = guarded.step(torch.randn(16, 3, 32, 32))
        >>> step.skipped, guarded.updates
        ('guard', 0)
    """

    def __init__(
        self,
        method: Method,
        model: Callable[[Tensor], Output] | None = None,
        statistics: SourceStatistics | None = None,
        mode: Mode = "off",
        history: History | None = None,
    ) -> None:
        self._method, self._model, self._statistics = method, model, statistics
        self.mode: Mode = mode
        self._history = history or History()
        self.probabilities = method.probabilities
        self._begin()

    def _begin(self) -> None:
        self._history.clear()
        self.updates = self._steps = 0
        watching = self._model is not None and self.mode != "off"
        self._good = self._history.snapshot(self._method, 0) if watching else None  # None too if it is too large
        self._good_is_source = True

    @property
    def lr(self) -> float | None:
        """The method's rate; None if it has none."""
        rate: Any = getattr(self._method, "lr", None)
        return rate

    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, c]."""
        return self._method.predict(x)

    def step(self, x: Tensor, *, scale: float = 1.0) -> Step:
        """Answers, learns, and takes the update back if it did harm."""
        self._steps += 1
        if self._good is None or self._model is None:
            return self._update(x, scale)
        stride = max(1, len(x) // PROBE)
        probe, output = x[::stride], self._output(x)
        before = self._probed(Output(output.logits[::stride], output.features[::stride]))
        worse = self._compared(probe, before) if self._steps % PERIOD == 0 else None
        if self.mode == "warn":
            step = self._update(x, scale)
            return step._replace(alarms=self._harm(before, probe) if worse is None else {"worse": worse})
        if worse is not None:
            logits = self._method.predict(x)
            self._return_to(self._good)
            return Step(logits, {}, UNDONE, {"worse": worse})
        share, low = ALIKE
        if before.share >= share and before.entropy < low * before.largest:
            return Step(self._method.predict(x), {}, "alike")
        need = self._need(x, entropy(output.logits))
        if not need:
            return Step(self._method.predict(x), {}, "sure")
        step = self._update(x, scale, need)
        alarms = self._harm(before, probe)
        if not alarms:
            return step
        self.undo()
        return Step(step.logits, {}, UNDONE, alarms)

    def undo(self) -> bool:
        """Takes the last update back; False if none can be."""
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
        """Restores what `state_dict` gave, and takes it to be good."""
        self._method.load_state_dict(state)
        if self._good is not None:
            self._good, self._good_is_source = Snapshot(self.updates, dict(state)), False

    def _need(self, x: Tensor, entropies: Tensor) -> float:
        """How large an update frames [b, 3, h, w] with answers of these entropies [b] call for: 0 (none) to 1."""
        usual = self._statistics.entropy if self._statistics is not None else None
        if not usual or len(x) < 2:
            return 1.0
        mean, others = float(entropies.mean()), effective_size(sketched(x).unbind()) - 1
        error = float(entropies.std()) / math.sqrt(others) if others > 0 else math.inf
        if mean - SURELY * error <= usual:  # false where it is not finite: the method itself rejects that
            return 0.0
        return 1.0 if math.isnan(mean) else min(1.0, (mean / usual - 1) / (FULL - 1))

    def _update(self, x: Tensor, scale: float, need: float = 1.0) -> Step:
        self._history.take(self._method, self.updates)
        step = self._scaled(x, scale, need)
        if step.skipped:
            self._history.forget()  # nothing was learned
        else:
            self.updates += 1
        return step

    def _scaled(self, x: Tensor, scale: float, need: float) -> Step:
        if self.lr is None:  # no rate: the step is whole
            return self._method.step(x)
        step = self._method.step(x, scale=scale * need) if scale * need != 1 else self._method.step(x)
        return step if need == 1 else step._replace(stats={**step.stats, "lr": self.lr * scale * need})

    def _harm(self, before: Probe, probe: Tensor) -> dict[str, float]:
        """What is wrong with the latest update."""
        return _judged(before, self._probed(self._output(probe)), self._method.parameters())

    def _return_to(self, snapshot: Snapshot) -> None:
        self._method.load_state_dict(snapshot.state)
        self.updates = snapshot.updates
        self._history.clear()

    def _compared(self, probe: Tensor, now: Probe) -> float | None:
        """By how many nats the parameters are worse than the good ones; if they are not, they become the good ones."""
        assert self._good is not None
        current = Snapshot(self.updates, self._method.state_dict())
        self._method.load_state_dict(self._good.state)
        good = self._probed(self._output(probe))
        self._method.load_state_dict(current.state)
        if good.share > MOST_SHARE and not self._good_is_source:
            return None
        if _risen(good.loss, now.loss, MOST_WORSE, now.largest):
            return now.loss - good.loss
        if now.loss <= good.loss:
            self._good, self._good_is_source = current, False
        return None

    @torch.no_grad()
    def _output(self, x: Tensor) -> Output:
        assert self._model is not None
        return self._model(x)

    @torch.no_grad()
    def _probed(self, output: Output) -> Probe:
        mean_entropy = entropy(output.logits).mean()
        mean = softmax(output.logits).mean(dim=0, keepdim=True)
        variety = entropy(as_logits(mean, probabilities=True))
        answers = output.logits.argmax(dim=1)
        share = answers.bincount().max() / len(answers)
        if self._statistics is None or len(output.logits) < 2:
            loss = mean_entropy
        else:
            loss = mean_entropy + WEIGHT * discrepancy(output.features, self._statistics)
        largest = math.log(output.logits.shape[1])
        return Probe(float(mean_entropy), float(variety), float(share), float(loss), largest)


def _judged(before: Probe, after: Probe, parameters: Tensors) -> dict[str, float]:
    """What is wrong with an update: alarms by kind, in nats."""
    if not all(map(math.isfinite, after)) or not all(bool(p.isfinite().all()) for p in parameters.values()):
        return {"not_finite": 1.0}
    changes = {
        "entropy": (after.entropy - before.entropy, MOST_ENTROPY * before.largest),
        "collapse": (before.variety - after.variety, MOST_LIKENESS * before.largest),
    }
    alarms = {kind: nats for kind, (nats, most) in changes.items() if nats > most}
    if _risen(before.loss, after.loss, MOST_LOSS, before.largest):
        alarms["loss"] = after.loss - before.loss
    return alarms


def _risen(before: float, after: float, limits: tuple[float, float], largest: float) -> bool:
    """Whether a loss is larger by a share of ln C, and by a ratio."""
    share, ratio = limits
    return after - before > share * largest and after > ratio * before
