"""The common way to adapt: an objective, a transform of its gradients, and the parameters they act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mgtta.learned import Learned
from mgtta.losses import Loss
from mgtta.parameters import flatten, norm_parameters, unflatten, vector
from mgtta.transforms import checked_rate
from mgtta.types import Step, Tensors, Transform
from models import Backbone, Output

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

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, c]. Learns nothing, changes nothing."""
        return self.objective.answer(self.backbone(x), self.learned.state.objective)

    def step(self, x: Tensor, **given: Any) -> Step:
        """Answers a window [b, 3, h, w], then learns from it, unless that would poison what was learned.

        Nothing is touched, and the stats say so under `skipped_...`, if the window is too small for the loss, if no
        picture is reliable, or if an answer, the loss or a gradient is not finite.
        """
        state: State = self.learned.state
        with torch.inference_mode(False), torch.enable_grad():
            x = x.clone() if x.is_inference() else x
            output = self.backbone(x)
            logits = self.objective.answer(output, state.objective).detach()
            if len(x) < self.smallest:
                return Step(logits, {"skipped_window_too_small": 1.0})
            if not logits.isfinite().all():
                return Step(logits, NOT_FINITE)
            loss, terms, remembered = self.objective.evaluate(x, output, state.objective, **given)
            stats = {name: t.item() if isinstance(t, Tensor) else t for name, t in terms.items()}
            if loss is None:
                return Step(logits, {**stats, "skipped_nothing_reliable": 1.0})
            if not torch.isfinite(loss):
                return Step(logits, {**stats, "skipped_loss_not_finite": 1.0})
            gradients = gradient(loss, self.learned.parameters, self.backbone.loss_scales)
        with torch.no_grad():
            stats["gradient_norm"] = norm(gradients)
            if not stats["gradient_norm"] < float("inf"):
                return Step(logits, {**stats, "skipped_gradient_not_finite": 1.0})
            updates, optimizer = self.transform.update(gradients, state.optimizer)
            self.learned.state = State(optimizer, remembered)
            self.learned.move(updates, self.lr)
            stats["update_norm"] = self.lr * norm(updates)
        return Step(logits, stats)

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


def memoryless(loss: Loss) -> Objective:
    """A plain loss as an objective."""

    def evaluate(_: Tensor, output: Output, state: Nothing) -> Evaluation:
        return Evaluation(*loss(output), state)

    return Objective(Nothing, evaluate)


def gradient(loss: Tensor, parameters: Tensors, scales: Sequence[float] = (1.0,)) -> dict[str, Tensor]:
    """Of a scalar loss, by parameter name; zero where the loss does not depend on a parameter.

    Args:
        loss: scalar.
        parameters: float32.
        scales: `Backbone.loss_scales`, powers of two. Gradients of a model in float16 are lost below 6e-8 and overflow
            above 65,504: the loss is multiplied by the first scale under which all are finite, the result divided.
    """
    whole = torch.empty(0)
    for scale in scales:
        values = torch.autograd.grad(
            loss * scale, list(parameters.values()), materialize_grads=True, retain_graph=len(scales) > 1
        )
        whole = flatten(values) / scale
        if len(scales) == 1 or whole.isfinite().all():
            break
    return unflatten(whole, parameters)


def norm(tensors: Tensors) -> float:
    """Euclidean norm over all tensors; infinite or NaN if one scalar is."""
    return vector(tensors).float().norm().item()
