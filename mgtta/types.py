"""The few types of test-time adaptation.

Notation used for tensor shapes: b batch, c classes, l blocks, d width, n adapted scalars.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

SKIPPED = "skipped_"
Tensors: TypeAlias = "Mapping[str, Tensor]"  # parameter name -> tensor; the order is part of the contract


class Transform(NamedTuple):
    """An optimizer as a value: SGD, momentum and the learned generator are all of these.

    `init(params)` gives the state of step zero; `update(gradients, state)` gives the updates, in the names, order and
    shapes of the gradients and not yet times the learning rate, and the next state. An update may reuse the memory of
    the state it was given: keep a copy of a state that you want to return to.
    """

    init: Callable[[Tensors], Any]
    update: Callable[[Tensors, Any], tuple[Tensors, Any]]


class Step(NamedTuple):
    """What one window gave: the answers from before the update, and what was learned."""

    logits: Tensor  # [b, c], detached
    stats: Mapping[str, float]  # loss terms, norms; a key `skipped_<reason>` where nothing was learned: `skipped`


def skipped(stats: Mapping[str, float]) -> str | None:
    """Why nothing was learned, by the stats of a step; None if something was."""
    return next((name.removeprefix(SKIPPED) for name in stats if name.startswith(SKIPPED)), None)


class Method(Protocol):
    """A way to adapt. What it learns lives in the adapted parameters and in its state, nowhere else."""

    probabilities: bool  # its answers are probabilities in 0..1, not logits

    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, c]. Learns nothing, changes nothing."""
        ...

    def step(self, x: Tensor) -> Step:
        """Answers a window, then learns from it."""
        ...

    def reset(self) -> None:
        """Returns to the source model, to the bit."""
        ...

    def parameters(self) -> Tensors:
        """The adapted parameters by name, in order: the live tensors, not copies."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of all that was learned."""
        ...

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state_dict` gave; the inverse of it."""
        ...
