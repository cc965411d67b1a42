"""Random draws that are part of a method's state: reset, save and replay repeat them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


def seeded(seed: int | None) -> Tensor:
    """The state [k] uint8 of a fresh CPU generator; its seed is torch's own (`torch.manual_seed`) by default."""
    return torch.Generator().manual_seed(torch.initial_seed() if seed is None else seed).get_state()


def drawn(state: Tensor, draw: Callable[[torch.Generator], T]) -> tuple[T, Tensor]:
    """What `draw` makes of a generator in this state, and the state after it."""
    generator = torch.Generator()
    generator.set_state(state)
    return draw(generator), generator.get_state()
