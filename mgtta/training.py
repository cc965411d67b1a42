"""Pre-training of the Meta Gradient Generator: learning to optimize, one step at a time.

arXiv 2412.16901, "Pre-training of MGG", in the order of the authors' code: the gradient that a window gives at the
updated parameters says how good the previous update was, so each step trains the generator through the graph of its
previous use only. Equivalent to minimizing -lr <g(t+1), u(t)> with g(t+1) held constant.

For the LSTM the graph reaches back over several uses (`unroll`), as truncated back-propagation through time does it;
the authors' program for it is not published, but has an option of just that name, 10.

Departure: the checkpoint is chosen without labels, by the loss of the deployed generator (`deployed_loss`); the
authors choose by accuracy on the labeled test pictures under the pre-training corruptions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mgtta.adapter import Adapter
from mgtta.generator import MetaGradientGenerator
from mgtta.gradients import gradient
from mgtta.losses import aligned_entropy
from mgtta.parameters import flatten, norm_parameters
from mgtta.recurrent import RecurrentGenerator
from mgtta.statistics import SourceStatistics
from mgtta.transforms import settling
from mgtta_models import Classifier

Generator = MetaGradientGenerator | RecurrentGenerator


class PretrainingStep(NamedTuple):
    """What one step of pre-training gives."""

    loss: float
    logits: Tensor  # [b, c]


class Pretraining:
    """The generator, the model that it drifts along, and the optimizer of the generator.

    Args:
        backbone: a model of its own: its norm parameters are adapted from step to step and not returned.
        generator: trained in place.
        statistics: of the source model on clean pictures.
        lr: alpha, the rate of the model's parameters.
        meta_lr: Adam's rate for the generator's 164 numbers.
        discrepancy_weight: lambda.
        unroll: uses of the generator that its gradient reaches back over; it is trained once in as many steps.
    """

    def __init__(
        self,
        backbone: Classifier,
        generator: Generator,
        statistics: SourceStatistics,
        lr: float = 1e-4,
        meta_lr: float = 1e-2,
        discrepancy_weight: float = 0.4,
        unroll: int = 1,
    ) -> None:
        self.backbone, self.generator, self.lr, self.unroll = backbone, generator.to(backbone.device), lr, unroll
        self.loss = aligned_entropy(statistics.on(backbone), discrepancy_weight)
        self.parameters = {name: p.requires_grad_() for name, p in norm_parameters(backbone).items()}
        self.transform = self.generator.differentiable()
        self.phi = list(self.generator.parameters())
        self.adam = torch.optim.Adam(self.phi, lr=meta_lr)
        self.begin_episode()

    def begin_episode(self) -> None:
        """Forgets moments, memory and the previous update; model, generator and Adam go on."""
        self.memory: Any = None  # at its learned initial value
        self.previous: Tensor | None = None  # u(t-1) [n] with its graph
        self.uses = 0  # whose gradients have been gathered since Adam's last step
        self._forget_gradients()

    def step(self, x: Tensor) -> PretrainingStep:
        """Trains the generator by the gradient of a window [b, 3, h, w], then lets it update the model."""
        output = self.backbone(x)
        loss, _ = self.loss(output)
        gradients = gradient(loss, self.parameters, self.backbone.loss_scales)
        if self.previous is not None:
            self._train(self.previous, -self.lr * flatten(gradients))
        updates, self.memory = self.transform.update(gradients, self.memory or self.transform.init(self.parameters))
        self.previous = flatten(updates)
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.add_(updates[name], alpha=-self.lr)
        return PretrainingStep(loss.item(), output.logits.detach())

    def _train(self, previous: Tensor, upstream: Tensor) -> None:
        """Gathers the vector-Jacobian product of the previous update; Adam's step along the sum when it is time."""
        gathered = torch.autograd.grad(previous, self.phi, upstream, retain_graph=self.unroll > 1, allow_unused=True)
        for parameter, share in zip(self.phi, gathered, strict=True):
            if share is not None:  # not all numbers are used at step zero
                parameter.grad = share if parameter.grad is None else parameter.grad + share
        self.uses += 1
        if self.uses == self.unroll:
            self.adam.step()
            self._forget_gradients()
            self.uses = 0
            self.memory = type(self.memory)(*(tensor.detach() for tensor in self.memory))

    def _forget_gradients(self) -> None:
        for parameter in self.phi:
            parameter.grad = None

    def state_dict(self) -> dict[str, object]:
        """All that the next episode needs: generator, model, Adam."""
        return {
            "generator": self.generator.state_dict(),
            "parameters": {name: p.detach().clone() for name, p in self.parameters.items()},
            "adam": self.adam.state_dict(),
        }

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Mapping]) -> None:
        """Continues from what `state_dict` gave, at the beginning of an episode."""
        self.generator.load_state_dict(state["generator"])
        for name, parameter in self.parameters.items():
            parameter.copy_(state["parameters"][name])
        self.adam.load_state_dict(dict(state["adam"]))


def deployed_loss(
    backbone: Classifier,
    generator: Generator,
    statistics: SourceStatistics,
    windows: Iterable[Tensor],
    lr: float = 1e-3,
    discrepancy_weight: float = 0.4,
    boost: float = 1.0,
) -> float:
    """Mean unlabeled loss over windows [b, 3, h, w], each before it is learned from, by the deployed generator.

    The backbone is the source model again afterwards.
    """
    loss = aligned_entropy(statistics.to(backbone.device), discrepancy_weight)
    adapter = Adapter(backbone, loss, settling(generator.transform(), boost), lr, smallest=2)
    losses = [sum(adapter.step(x).stats[term] for term in ("entropy", "discrepancy")) for x in windows]
    adapter.reset()
    return sum(losses) / len(losses)
