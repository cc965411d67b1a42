"""Hand-written optimizers as transforms of gradients. n adapted scalars."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mgtta.parameters import flatten, unflatten, vector
from mgtta.types import Tensors, Transform


class Velocity(NamedTuple):
    """State of gradient descent with momentum."""

    velocity: Tensor  # [n]


class Stateless(NamedTuple):
    """State of a transform that remembers nothing."""


def sgd(momentum: float = 0.0) -> Transform:
    """Stochastic gradient descent, as torch.optim.SGD without damping: velocity <- momentum * velocity + gradient.

    Args:
        momentum: in [0, 1); with 0 there is no state.

    Raises:
        ValueError: if it is outside.

    Example:
        >>> init, update = sgd(momentum=0.9)
        >>> state = init({"bias": torch.zeros(2)})
        >>> updates, state = update({"bias": torch.tensor([1.0, -2.0])}, state)
        >>> updates, state = update({"bias": torch.tensor([1.0, -2.0])}, state)
        >>> updates["bias"]
        tensor([ 1.9000, -3.8000])
    """
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum is expected in [0, 1); got {momentum}")
    if momentum == 0:
        return Transform(lambda _: Stateless(), lambda gradients, state: (dict(gradients), state))

    def init(parameters: Tensors) -> Velocity:
        return Velocity(torch.zeros_like(flatten(parameters)))

    def update(gradients: Tensors, state: Velocity) -> tuple[Tensors, Velocity]:
        velocity = momentum * state.velocity + vector(gradients)
        return unflatten(velocity, gradients), Velocity(velocity)

    return Transform(init, update)


class Settling(NamedTuple):
    """State of a transform that begins with larger steps."""

    t: Tensor  # [] int64 on the CPU, steps since the last reset
    inner: Any  # the transform's own state


def settling(transform: Transform, boost: float) -> Transform:
    """A transform with larger first steps: update t = 1, 2, ... is multiplied by boost / sqrt(t), until that is 1.

    Args:
        transform: whose updates are multiplied.
        boost: factor of the first step, 1 or more; 1 changes nothing. Steps have settled after boost squared updates.

    Raises:
        ValueError: if the boost is below 1 or not finite.
    """
    if not 1 <= boost < float("inf"):
        raise ValueError(f"the first steps' boost is expected to be 1 or more; got {boost}")
    if boost == 1:
        return transform

    def init(parameters: Tensors) -> Settling:
        return Settling(torch.zeros((), dtype=torch.int64), transform.init(parameters))

    def update(gradients: Tensors, state: Settling) -> tuple[Tensors, Settling]:
        t = state.t + 1
        updates, inner = transform.update(gradients, state.inner)
        factor = max(1.0, boost / math.sqrt(int(t)))
        return unflatten(factor * vector(updates), updates), Settling(t, inner)

    return Transform(init, update)


def checked_rate(lr: float) -> float:
    """The learning rate, if it is one.

    Raises:
        ValueError: if it is not above 0 and finite.
    """
    if not 0 < lr < float("inf"):
        raise ValueError(f"the learning rate is expected above 0; got {lr}")
    return lr
