"""The few types of test-time adaptation.

Notation used for tensor shapes: b batch, c classes, l blocks, d width, n adapted scalars.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

Tensors: TypeAlias = "Mapping[str, Tensor]"  # parameter name -> tensor; the order is part of the contract


class Transform(NamedTuple):
    """An optimizer as a value: SGD, momentum and the learned generator are all of these.

    `init(params)` gives the state of step zero; `update(gradients, state)` gives the updates, in the names, order and
    shapes of the gradients and not yet times the learning rate, and the next state. An update may reuse the memory of
    the state it is given: keep a copy of a state that you want to return to.
    """

    init: Callable[[Tensors], Any]
    update: Callable[[Tensors, Any], tuple[Tensors, Any]]


class Step(NamedTuple):
    """What one adaptation step gives: the answers from before the update, and what became of the update."""

    logits: Tensor  # [b, c], detached
    stats: Mapping[str, float]  # loss terms, counts, norms: for log and overlay
    skipped: str | None = None  # why nothing was learned, in one word with underscores; None if something was
    alarms: Mapping[str, float] = MappingProxyType({})  # what the guard measured beyond its limits, in nats, by kind


class Method(Protocol):
    """A way to adapt. What it learns lives in the adapted parameters and in its state, nowhere else."""

    probabilities: bool  # its answers are probabilities in 0..1, not logits

    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, c]. Learns nothing, changes nothing."""
        ...

    def step(self, x: Tensor, *, scale: float = 1.0) -> Step:
        """Answers a window [b, 3, h, w], then learns from it.

        Args:
            x: the window.
            scale: what the learning rate is multiplied by for this step. A method without a rate ignores it.
        """
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
        """Restores what `state_dict` gave; a ValueError if it is another method's."""
        ...
