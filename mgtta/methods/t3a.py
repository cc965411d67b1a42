"""T3A: test-time classifier adjustment for model-agnostic domain generalization (NeurIPS 2021).

Each class is the mean direction of its most certain features so far, the rows of the classifier among them; answers
are features times these prototypes (Eqn. 4), this window's features already counted. Where only some classes are to
choose from, all rows of the classifier stay as supports and are labeled among those; the authors' code and its copies
cannot run there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mgtta.adapter import NOT_FINITE
from mgtta.learned import Learned
from mgtta.logits import entropy
from mgtta.parameters import norm_parameters
from mgtta.types import Step, Tensors
from mgtta_models import Classifier


class Supports(NamedTuple):
    """The most certain features of each class, class by class, the most certain first."""

    features: Tensor  # [s, d] class tokens behind the final norm
    labels: Tensor  # [s] the class that the source classifier gives them
    entropies: Tensor  # [s] nats


class T3A:
    """The prototypes, and the source model in front of them; none of its parameters changes.

    Args:
        backbone: the source model.
        supports: K, features kept a class.
    """

    probabilities = False

    def __init__(self, backbone: Classifier, supports: int = 20) -> None:
        if supports < 1:
            raise ValueError(f"the number of supports is expected to be 1 or more; got {supports}")
        self.backbone, self.supports = backbone, supports
        self.learned = Learned({}, lambda _: self._labeled(backbone.classifier()))

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, c], as `step` would answer; keeps nothing."""
        return self._answer(x)[0]

    def step(self, x: Tensor, *, scale: float = 1.0) -> Step:  # noqa: ARG002  there is no rate
        """Keeps the most certain features, then answers with the prototypes that they give."""
        with torch.inference_mode(False), torch.no_grad():
            logits, supports = self._answer(x.clone() if x.is_inference() else x)
        if not logits.isfinite().all():
            return Step(logits, {}, NOT_FINITE)
        self.learned.state = supports
        return Step(logits, {"supports": float(len(supports.labels))})

    def _answer(self, x: Tensor) -> tuple[Tensor, Supports]:
        z = self.backbone(x).features[:, -1]
        both = (torch.cat(pair) for pair in zip(self.learned.state, self._labeled(z), strict=True))
        supports = most_certain(Supports(*both), self.supports)
        return z @ prototypes(supports, len(self.backbone.classes)).T, supports

    def _labeled(self, features: Tensor) -> Supports:
        with torch.no_grad():
            logits = self.backbone.classify(features)
            return Supports(features, logits.argmax(dim=1), entropy(logits))

    def reset(self) -> None:
        """Returns to the rows of the classifier."""
        self.learned.reset()

    def parameters(self) -> Tensors:
        """The parameters that other methods adapt."""
        return norm_parameters(self.backbone)

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of the supports."""
        return self.learned.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restores what `state_dict` gave; a ValueError if it is another method's."""
        self.learned.load_state_dict(state)


def most_certain(supports: Supports, count: int) -> Supports:
    """The `count` of lowest entropy in each class."""
    order = supports.entropies.argsort(stable=True)
    order = order[supports.labels[order].argsort(stable=True)]
    labels = supports.labels[order]
    place = torch.arange(len(labels), device=labels.device)
    first = torch.searchsorted(labels, labels)  # where each one's class begins
    kept = order[place - first < count]
    return Supports(*(tensor[kept] for tensor in supports))


def prototypes(supports: Supports, classes: int) -> Tensor:
    """[c, d]: the direction of each class's supports, each counted with length 1; zero for a class without any."""
    sums = supports.features.new_zeros(classes, supports.features.shape[1])
    return normalize(sums.index_add_(0, supports.labels, normalize(supports.features, dim=1)), dim=1)


def t3a(backbone: Classifier, supports: int = 20) -> T3A:
    """Prototypes from the most certain features.

    Args:
        backbone: the source model.
        supports: K, features kept a class; the paper's best is 20 for most data sets.

    Raises:
        ValueError: if there are none.
    """
    return T3A(backbone, supports)
