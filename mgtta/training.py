"""Pre-training of the Meta Gradient Generator: learning to optimize, one step at a time.

arXiv 2412.16901, "Pre-training of MGG", in the order of the authors' code: the gradient that a window gives at the
updated parameters says how good the previous update was, so each step trains the generator through the graph of its
previous use only. Equivalent to minimizing -lr <g(t+1), u(t)> with g(t+1) held constant.

Departure: the checkpoint is chosen without labels, by the loss of the deployed generator (`deployed_loss`); the
authors choose by accuracy on the labeled test pictures under the pre-training corruptions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from mgtta.adapter import Adapter, gradient
from mgtta.generator import GradientMemory, MetaGradientGenerator, meta_gradient
from mgtta.losses import aligned_entropy
from mgtta.parameters import flatten, norm_parameters
from mgtta.statistics import SourceStatistics
from models import Backbone


class Lesson(NamedTuple):
    """One step of pre-training."""

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
    """

    def __init__(
        self,
        backbone: Backbone,
        generator: MetaGradientGenerator,
        statistics: SourceStatistics,
        lr: float = 1e-4,
        meta_lr: float = 1e-2,
        discrepancy_weight: float = 0.4,
    ) -> None:
        statistics.fits(backbone)
        self.backbone, self.generator, self.lr = backbone, generator.to(backbone.device), lr
        self.loss = aligned_entropy(statistics.to(backbone.device), discrepancy_weight)
        self.parameters = {name: p.requires_grad_() for name, p in norm_parameters(backbone).items()}
        self.transform = meta_gradient(self.generator)
        self.phi = list(self.generator.parameters())
        self.adam = torch.optim.Adam(self.phi, lr=meta_lr)
        self.begin_episode()

    def begin_episode(self) -> None:
        """Forgets moments, memory and the previous update; model, generator and Adam go on."""
        self.memory: GradientMemory | None = None  # at its learned initial value
        self.previous: Tensor | None = None  # u(t-1) [n] with its graph

    def step(self, x: Tensor) -> Lesson:
        """Trains the generator by the gradient of a window [b, 3, h, w], then lets it update the model."""
        output = self.backbone(x)
        loss, _ = self.loss(output)
        gradients = gradient(loss, self.parameters)
        if self.previous is not None:
            self._train(-self.lr * flatten(gradients))
        updates, memory = self.transform.update(gradients, self.memory or self.transform.init(self.parameters))
        self.previous = flatten(updates)
        self.memory = GradientMemory(*(tensor.detach() for tensor in memory))
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.add_(updates[name], alpha=-self.lr)
        return Lesson(loss.item(), output.logits.detach())

    def _train(self, upstream: Tensor) -> None:
        """Adam's step along the vector-Jacobian product of the previous update; unused numbers are skipped."""
        assert self.previous is not None
        phi_gradients = torch.autograd.grad(self.previous, self.phi, upstream, allow_unused=True)
        for parameter, phi_gradient in zip(self.phi, phi_gradients, strict=True):
            parameter.grad = phi_gradient
        self.adam.step()

    def state_dict(self) -> dict[str, object]:
        """All that the next episode needs: generator, model, Adam."""
        return {
            "generator": self.generator.state_dict(),
            "parameters": {name: p.detach().clone() for name, p in self.parameters.items()},
            "adam": self.adam.state_dict(),
        }

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Mapping]) -> None:
        """Goes on where `state_dict` was taken, at the beginning of an episode."""
        self.generator.load_state_dict(state["generator"])
        for name, parameter in self.parameters.items():
            parameter.copy_(state["parameters"][name])
        self.adam.load_state_dict(dict(state["adam"]))


def deployed_loss(
    backbone: Backbone,
    generator: MetaGradientGenerator,
    statistics: SourceStatistics,
    windows: Iterable[Tensor],
    lr: float = 1e-3,
    discrepancy_weight: float = 0.4,
) -> float:
    """Mean unlabeled loss over windows [b, 3, h, w], each met before it is learned from, by the deployed generator.

    The backbone is returned to what it was.
    """
    loss = aligned_entropy(statistics.to(backbone.device), discrepancy_weight)
    adapter = Adapter(backbone, loss, meta_gradient(generator), lr, smallest=2)
    losses = [sum(adapter.step(x).stats[term] for term in ("entropy", "discrepancy")) for x in windows]
    adapter.reset()
    return sum(losses) / len(losses)
