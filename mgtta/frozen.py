"""The model as it is: methods that adapt nothing, or only what is made of its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from mgtta.parameters import norm_parameters
from mgtta.types import Step, Tensors
from mgtta_models import Classifier, Output


class Frozen:
    """A method that answers with the source model and learns nothing.

    Args:
        backbone: the source model.
        answer: what is made of its output: [b, c].
        probabilities: whether that is in 0..1 instead of logits.
    """

    def __init__(
        self,
        backbone: Classifier,
        answer: Callable[[Output], Tensor] = lambda output: output.logits,
        probabilities: bool = False,
    ) -> None:
        self.backbone, self.answer, self.probabilities = backbone, answer, probabilities

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, c]."""
        return self.answer(self.backbone(x))

    def step(self, x: Tensor, *, scale: float = 1.0) -> Step:  # noqa: ARG002  there is no rate
        """Answers; there is nothing to learn."""
        return Step(self.predict(x), {})

    def reset(self) -> None:
        """Does nothing: nothing was learned."""

    def parameters(self) -> Tensors:
        """The parameters that other methods adapt."""
        return norm_parameters(self.backbone)

    def state_dict(self) -> dict[str, Tensor]:
        """Empty: nothing was learned."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Accepts an empty state.

        Raises:
            ValueError: if the state holds something.
        """
        if state:
            raise ValueError(
                f"this state is not of the same method: nothing is learned here, and it holds {list(state)[:3]}"
            )
