"""A method whose lessons come from a memory. Not in MGTTA's paper: there, the window that is answered teaches."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mgtta.logits import as_logits
from mgtta.memory import Memory, effective_size, member
from mgtta.types import Method, Step, Tensors


class Remembering:
    """Answers a window, puts its frames into the memory, and learns from what that keeps.

    The memory is no part of `state_dict`: it is refilled from the stream.

    Args:
        method: what learns.
        memory: what chooses.
    """

    def __init__(self, method: Method, memory: Memory) -> None:
        self._method, self._memory, self._frames = method, memory, 0
        self.probabilities = method.probabilities

    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, c]."""
        return self._method.predict(x)

    def step(self, x: Tensor) -> Step:
        """Answers a window; a lesson follows as soon as the memory has enough for one."""
        logits = self._method.predict(x)
        for image, label in zip(x, as_logits(logits, self.probabilities).argmax(dim=1).tolist(), strict=True):
            self._memory.add(member(self._frames, image, label))
            self._frames += 1
        if not self._memory.ready:
            return Step(logits, {})
        members = self._memory.members()
        stats = self._method.step(torch.stack([one.x for one in members])).stats
        if "skipped_guard" in stats:
            self._memory.clear()  # they did harm
        return Step(logits, {**stats, "effective_size": effective_size([one.sketch for one in members])})

    def reset(self) -> None:
        """Returns to the source model, with an empty memory."""
        self._method.reset()
        self._memory.clear()
        self._frames = 0

    def parameters(self) -> Tensors:
        """The adapted parameters by name."""
        return self._method.parameters()

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of all that was learned."""
        return self._method.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state_dict` gave."""
        self._method.load_state_dict(state)
