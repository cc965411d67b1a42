"""No adaptation: the source model as it is. What every table compares with."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mgtta.parameters import norm_parameters
from mgtta.types import Step, Tensors
from models import Backbone


class Frozen:
    """Answers with the source model and learns nothing."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, c]."""
        return self.backbone(x).logits

    def step(self, x: Tensor) -> Step:
        """Answers; there is nothing to learn."""
        return Step(self.predict(x), {})

    def reset(self) -> None:
        """Nothing was learned."""

    def parameters(self) -> Tensors:
        """The parameters that other methods adapt."""
        return norm_parameters(self.backbone)

    def state_dict(self) -> dict[str, Tensor]:
        """Nothing was learned."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Takes up nothing.

        Raises:
            ValueError: if there is something to take up.
        """
        if state:
            raise ValueError(f"method none learns nothing; this state holds {', '.join(list(state)[:3])}")


def none(backbone: Backbone) -> Frozen:
    """The source model."""
    return Frozen(backbone)
