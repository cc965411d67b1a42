"""The common way to adapt: an objective, a transform of its gradients, and the parameters they act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mgtta.gradients import gradient_vector, norm
from mgtta.learned import Learned
from mgtta.losses import Loss
from mgtta.parameters import norm_parameters, unflatten
from mgtta.transforms import checked_rate
from mgtta.types import Step, Tensors, Transform
from mgtta_models import Classifier, Output
from mgtta_models.graphs import Recorded

Scope = Callable[[Classifier], dict[str, nn.Parameter]]
NOT_FINITE = "answer_not_finite"  # reason to skip


class Evaluation(NamedTuple):
    """What an objective makes of a window."""

    loss: Tensor | None  # scalar to minimize; None where no picture is reliable: nothing is learned then
    terms: Mapping[str, Tensor | float]  # for the log
    state: Any  # the objective's next state, adopted if the window is learned from


class Objective(NamedTuple):
    """A loss that may have a state, and may read the window again; like a Transform, its state is outside.

    `evaluate(x, output, state, **given)` gets the window [b, 3, h, w] and the model's output for it; `given` is what a
    test passes in place of a random draw. `answer(output, state)` turns an output into the method's answer [b, c].
    `recordable` promises that there is no state and that the same operations run whatever the values: such a pass can
    become a CUDA graph (`mgtta_models.graphs`).
    """

    init: Callable[[], Any]
    evaluate: Callable[..., Evaluation]
    answer: Callable[[Output, Any], Tensor] = lambda output, _: output.logits
    recordable: bool = False


class Pass(NamedTuple):
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
    """A method of one forward and one backward pass a window: answer, then learn.

    Args:
        backbone: the source model; its parameters now are what `reset` returns to.
        objective: of a window; a plain loss of the model's output will do.
        transform: the optimizer.
        lr: learning rate, what an update is multiplied by.
        scope: which parameters adapt.
        smallest: windows with fewer pictures are answered, but nothing is learned from them.

    Raises:
        ValueError: if the rate is not above 0.
    """

    probabilities = False

    def __init__(
        self,
        backbone: Classifier,
        objective: Objective | Loss,
        transform: Transform,
        lr: float,
        scope: Scope = norm_parameters,
        smallest: int = 1,
    ) -> None:
        self.backbone, self.transform, self.lr, self.smallest = backbone, transform, checked_rate(lr), smallest
        self.objective = objective if isinstance(objective, Objective) else stateless(objective)
        self.learned = Learned(scope(backbone), lambda p: State(transform.init(p), self.objective.init()))
        self._recorded: dict[float, Recorded[Pass]] = {}  # by the scale of the loss

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, c]. Learns nothing, changes nothing."""
        return self.objective.answer(self.backbone(x), self.learned.state.objective)

    def step(self, x: Tensor, *, scale: float = 1.0, **given: Any) -> Step:
        """Answers a window, then learns from it, unless that would poison what was learned.

        Nothing changes, and `skipped` says why, if the window is too small for the loss, if no picture is reliable, or
        if an answer, the loss or a gradient is not finite.

        Args:
            x: [b, 3, h, w].
            scale: what the rate is multiplied by for this step.
            given: in place of the objective's random draws.
        """
        if len(x) < self.smallest:
            return Step(self.predict(x), {}, "window_too_small")
        with torch.inference_mode(False), torch.enable_grad():
            done = self._pass(x.clone() if x.is_inference() else x, given)
        if not done.logits.isfinite().all():
            return Step(done.logits, {}, NOT_FINITE)
        stats = {name: t.item() if isinstance(t, Tensor) else t for name, t in done.terms.items()}
        if done.loss is None or done.gradient is None:
            return Step(done.logits, stats, "nothing_reliable")
        if not torch.isfinite(done.loss):
            return Step(done.logits, stats, "loss_not_finite")
        with torch.no_grad():
            gradients = unflatten(done.gradient, self.learned.parameters)
            stats["gradient_norm"] = norm(gradients)
            if not stats["gradient_norm"] < float("inf"):
                return Step(done.logits, stats, "gradient_not_finite")
            updates, optimizer = self.transform.update(gradients, self.learned.state.optimizer)
            self.learned.state = State(optimizer, done.state)
            self.learned.move(updates, self.lr * scale)
            stats["update_norm"] = self.lr * scale * norm(updates)
        return Step(done.logits, stats)

    def _pass(self, x: Tensor, given: Mapping[str, Any]) -> Pass:
        if not self.objective.recordable:
            return self._computed(x, self.backbone.loss_scales, **given)
        *larger, last = self.backbone.loss_scales
        for scale in larger:
            done = self._of_scale(scale)(x)
            if done.gradient is not None and done.gradient.isfinite().all():
                return done
        return self._of_scale(last)(x)

    def _of_scale(self, scale: float) -> Recorded[Pass]:
        if scale not in self._recorded:
            self._recorded[scale] = Recorded(partial(self._computed, scales=(scale,)))
        return self._recorded[scale]

    def _computed(self, x: Tensor, scales: Sequence[float], **given: Any) -> Pass:
        """Forward, loss and backward."""
        state = self.learned.state.objective
        output = self.backbone(x)
        logits = self.objective.answer(output, state).detach()
        loss, terms, following = self.objective.evaluate(x, output, state, **given)
        terms = {name: t.detach() if isinstance(t, Tensor) else t for name, t in terms.items()}
        if loss is None:
            return Pass(logits, None, terms, None, following)
        return Pass(logits, loss.detach(), terms, gradient_vector(loss, self.learned.parameters, scales), following)

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
        """Restores what `state_dict` gave; a ValueError if it is another method's."""
        self.learned.load_state_dict(state)


def stateless(loss: Loss, *, recordable: bool = False) -> Objective:
    """A plain loss as an objective; `recordable` if the same operations compute it for all windows of a size."""

    def evaluate(_: Tensor, output: Output, state: Nothing) -> Evaluation:
        return Evaluation(*loss(output), state)

    return Objective(Nothing, evaluate, recordable=recordable)
