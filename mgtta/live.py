"""A method as it runs on a live stream: watched by a guard, and learning from a memory of frames. Not in MGTTA's paper.

There, the window that is answered is the window that is learned from, whatever it does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from mgtta.guard import UNDONE, Guarded, Mode
from mgtta.logits import as_logits
from mgtta.memory import Memory, effective_size, member
from mgtta.plugins import MEMORIES
from mgtta.statistics import SourceStatistics
from mgtta.types import Method, Step, Tensors
from mgtta_models import Output


class FromMemory:
    """A method that answers each window, puts its frames into a memory, and learns from what that keeps.

    The memory is no part of `state_dict`: it is refilled from the stream.

    Args:
        method: what learns.
        memory: what chooses the frames.
        every: new frames from one update to the next, at least; a window never causes more than one update.
    """

    def __init__(self, method: Method, memory: Memory, every: int = 1) -> None:
        self._method, self._memory, self._every = method, memory, every
        self._frames = self._new = 0  # in all, and since the last update
        self.probabilities = method.probabilities

    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, c]."""
        return self._method.predict(x)

    def step(self, x: Tensor, *, scale: float = 1.0) -> Step:
        """Answers a window; an update follows if the memory holds enough for one, and enough frames are new."""
        logits = self._method.predict(x)
        for image, label in zip(x, as_logits(logits, self.probabilities).argmax(dim=1).tolist(), strict=True):
            self._memory.add(member(self._frames, image.clone(), label))  # a view would keep the whole window
            self._frames += 1
        self._new += len(x)
        if not self._memory.ready or self._new < self._every:
            return Step(logits, {}, "memory_filling")
        self._new = 0
        members = self._memory.members()
        window = torch.stack([one.x for one in members])
        step = self._method.step(window) if scale == 1 else self._method.step(window, scale=scale)
        if step.skipped == UNDONE:
            self._memory.clear()  # these frames did harm
        return step._replace(
            logits=logits, stats={**step.stats, "effective_size": effective_size([one.sketch for one in members])}
        )

    def reset(self) -> None:
        """Returns to the source model, with an empty memory."""
        self._method.reset()
        self._memory.clear()
        self._frames = self._new = 0

    def parameters(self) -> Tensors:
        """The adapted parameters by name."""
        return self._method.parameters()

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of all that was learned."""
        return self._method.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restores what `state_dict` gave."""
        self._method.load_state_dict(state)


def live(
    method: Method,
    model: Callable[[Tensor], Output] | None = None,
    *,
    statistics: SourceStatistics | None = None,
    guard: Mode | None = None,
    memory: str | None = None,
    size: int = 64,
    every: int = 1,
    seed: int = 0,
) -> Method:
    """A method with what a live stream adds; what is None is left out.

    Args:
        method: what learns.
        model: [b, 3, h, w] -> output of the model that it adapts; the guard needs it.
        statistics: of the source; without them the guard notices less.
        guard: `off`, `warn`, `rollback`, `stop`: `mgtta.guard.Guarded`.
        memory: a name in `mgtta.plugins.MEMORIES`.
        size: frames in the memory, and so in the window that is learned from.
        every: new frames from one update to the next, at least.
        seed: of the memory's draws.
    """
    watched = method if guard is None else Guarded(method, model, statistics, guard)
    return watched if memory is None else FromMemory(watched, MEMORIES[memory](size, seed), every)
