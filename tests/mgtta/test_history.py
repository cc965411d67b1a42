"""Updates can be undone."""

from __future__ import annotations

import torch

from mgtta.history import History
from mgtta.methods.tent import tent
from mgtta.types import Method
from tests.mgtta.test_contract import tiny


def learned(method: Method) -> list[list[float]]:
    """All that a method has learned."""
    return [tensor.flatten().tolist() for tensor in method.state_dict().values()]


def test_updates_are_undone_to_the_bit() -> None:
    """The latest first, as many as the ring holds; then there is none."""
    method, history = tent(tiny()), History(capacity=3)
    states = []
    for update in range(5):
        history.take(method, update)
        states.append(learned(method))
        method.step(torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(update)))
    for update in (4, 3, 2):
        assert history.undo(method) == update
        assert learned(method) == states[update]
    assert history.undo(method) is None
    assert learned(method) == states[2]


def test_what_is_too_large_is_not_kept() -> None:
    """A method with more to learn than memory allows cannot be taken back, until another takes its place."""
    method, history = tent(tiny()), History(most_bytes=100)
    history.take(method, 0)
    assert history.undo(method) is None
