"""The common way to adapt: an objective, a transform of its gradients, and the parameters they act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mgtta.gradients import norm, slope
from mgtta.learned import Learned
from mgtta.losses import Loss
from mgtta.parameters import norm_parameters, unflatten
from mgtta.transforms import checked_rate
from mgtta.types import Step, Tensors, Transform
from mgtta_models import Backbone, Output
from mgtta_models.graphs import Recorded

Scope = Callable[[Backbone], dict[str, nn.Parameter]]
NOT_FINITE = {"skipped_answer_not_finite": 1.0}


class Evaluation(NamedTuple):
    """What an objective says of a window."""

    loss: Tensor | None  # scalar to minimize; None where no picture is reliable: nothing is learned then
    terms: Mapping[str, Tensor | float]  # for the log
    state: Any  # the objective's next state, taken up if the window teaches


class Objective(NamedTuple):
    """A loss that may remember, and look at the window again; like a Transform, its state is outside.

    `evaluate(x, output, state, **given)` gets the window [b, 3, h, w] and the model's output for it; `given` is what a
    test hands over in place of a random draw. `answer(output, state)` turns an output into the method's answer [b, c].
    """

    init: Callable[[], Any]
    evaluate: Callable[..., Evaluation]
    answer: Callable[[Output, Any], Tensor] = lambda output, _: output.logits
    recordable: bool = (
        False  # it remembers nothing, and computes the same way whatever it sees: see `mgtta_models.graphs`
    )


class Found(NamedTuple):
    """What forward, loss and backward give for a window."""

    logits: Tensor  # [b, c], the answers
    loss: Tensor | None  # scalar
    terms: Mapping[str, Tensor | float]
    gradient: Tensor | None  # [n]
    state: Any  # the objective's next


class Nothing(NamedTuple):
    """The state of an objective that remembers nothing."""


class State(NamedTuple):
    """All that an adapter remembers beside its parameters."""

    optimizer: Any  # the transform's
    objective: Any


class Adapter:
    """One forward and one backward pass a window: answer, then learn.

    Args:
        backbone: the source model; its parameters now are what `reset` returns to.
        objective: of a window; a plain loss of the model's output will do.
        transform: the optimizer.
        lr: learning rate, what an update is multiplied by.
        scope: which parameters adapt.
        smallest: windows with fewer pictures are answered but teach nothing.
    """

    probabilities = False

    def __init__(
        self,
        backbone: Backbone,
        objective: Objective | Loss,
        transform: Transform,
        lr: float,
        scope: Scope = norm_parameters,
        smallest: int = 1,
    ) -> None:
        self.backbone, self.transform, self.lr, self.smallest = backbone, transform, checked_rate(lr), smallest
        self.objective = objective if isinstance(objective, Objective) else memoryless(objective)
        self.learned = Learned(scope(backbone), lambda p: State(transform.init(p), self.objective.init()))
        self._records: dict[float, Recorded[Found]] = {}  # by the scale of the loss

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, c]. Learns nothing, changes nothing."""
        return self.objective.answer(self.backbone(x), self.learned.state.objective)

    def step(self, x: Tensor, **given: Any) -> Step:
        """Answers a window [b, 3, h, w], then learns from it, unless that would poison what was learned.

        Nothing is touched, and the stats say so under `skipped_...`, if the window is too small for the loss, if no
        picture is reliable, or if an answer, the loss or a gradient is not finite.
        """
        if len(x) < self.smallest:
            return Step(self.predict(x), {"skipped_window_too_small": 1.0})
        with torch.inference_mode(False), torch.enable_grad():
            found = self._found(x.clone() if x.is_inference() else x, given)
        if not found.logits.isfinite().all():
            return Step(found.logits, NOT_FINITE)
        stats = {name: t.item() if isinstance(t, Tensor) else t for name, t in found.terms.items()}
        if found.loss is None or found.gradient is None:
            return Step(found.logits, {**stats, "skipped_nothing_reliable": 1.0})
        if not torch.isfinite(found.loss):
            return Step(found.logits, {**stats, "skipped_loss_not_finite": 1.0})
        with torch.no_grad():
            gradients = unflatten(found.gradient, self.learned.parameters)
            stats["gradient_norm"] = norm(gradients)
            if not stats["gradient_norm"] < float("inf"):
                return Step(found.logits, {**stats, "skipped_gradient_not_finite": 1.0})
            updates, optimizer = self.transform.update(gradients, self.learned.state.optimizer)
            self.learned.state = State(optimizer, found.state)
            self.learned.move(updates, self.lr)
            stats["update_norm"] = self.lr * norm(updates)
        return Step(found.logits, stats)

    def _found(self, x: Tensor, given: Mapping[str, Any]) -> Found:
        if not self.objective.recordable:
            return self._assessed(x, self.backbone.loss_scales, **given)
        *larger, last = self.backbone.loss_scales
        for scale in larger:
            found = self._recorded(scale)(x)
            if found.gradient is not None and found.gradient.isfinite().all():
                return found
        return self._recorded(last)(x)

    def _recorded(self, scale: float) -> Recorded[Found]:
        if scale not in self._records:
            self._records[scale] = Recorded(partial(self._assessed, scales=(scale,)))
        return self._records[scale]

    def _assessed(self, x: Tensor, scales: Sequence[float], **given: Any) -> Found:
        """Forward, loss and backward."""
        state = self.learned.state.objective
        output = self.backbone(x)
        logits = self.objective.answer(output, state).detach()
        loss, terms, remembered = self.objective.evaluate(x, output, state, **given)
        terms = {name: t.detach() if isinstance(t, Tensor) else t for name, t in terms.items()}
        if loss is None:
            return Found(logits, None, terms, None, remembered)
        return Found(logits, loss.detach(), terms, slope(loss, self.learned.parameters, scales), remembered)

    def reset(self) -> None:
        """Returns to the source model, to the bit."""
        self.learned.reset()

    def parameters(self) -> Tensors:
        """The adapted parameters by name, in order: the live tensors, not copies."""
        return self.learned.parameters

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of all that was learned."""
        return self.learned.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state_dict` gave; a ValueError if it is another method's."""
        self.learned.load_state_dict(state)


def memoryless(loss: Loss, *, recordable: bool = False) -> Objective:
    """A plain loss as an objective; `recordable` if the same operations compute it for all windows of a size."""

    def evaluate(_: Tensor, output: Output, state: Nothing) -> Evaluation:
        return Evaluation(*loss(output), state)

    return Objective(Nothing, evaluate, recordable=recordable)
