"""Hand-made optimizers as transforms of gradients; n adapted scalars."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from mgtta.parameters import flatten, unflatten
from mgtta.types import Tensors, Transform


class Velocity(NamedTuple):
    """State of gradient descent with momentum."""

    velocity: Tensor  # [n]


class Stateless(NamedTuple):
    """State of a transform that remembers nothing."""


def sgd(momentum: float = 0.0) -> Transform:
    """Stochastic gradient descent, as torch.optim.SGD without damping: velocity <- momentum * velocity + gradient.

    Args:
        momentum: 0..1; with 0 there is no state.
    """
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum is expected in [0, 1); got {momentum}")
    if momentum == 0:
        return Transform(lambda _: Stateless(), lambda gradients, state: (dict(gradients), state))

    def init(parameters: Tensors) -> Velocity:
        return Velocity(torch.zeros_like(flatten(parameters)))

    def update(gradients: Tensors, state: Velocity) -> tuple[Tensors, Velocity]:
        velocity = momentum * state.velocity + flatten(gradients)
        return unflatten(velocity, gradients), Velocity(velocity)

    return Transform(init, update)


def checked_rate(lr: float) -> float:
    """A learning rate that can learn.

    Raises:
        ValueError: if it cannot.
    """
    if not 0 < lr < float("inf"):
        raise ValueError(f"the learning rate is expected above 0; got {lr}")
    return lr
