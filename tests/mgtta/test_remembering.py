"""Lessons from a memory: the window is answered as it is, what teaches is what was kept."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mgtta.memory import Latest
from mgtta.remembering import Remembering
from mgtta.types import Step


class Counting:
    """Its one parameter counts lessons; it remembers what they were made of."""

    probabilities = False

    def __init__(self) -> None:
        self.count, self.lessons = torch.zeros(1), list[Tensor]()

    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, 2]."""
        return torch.stack([self.count.expand(len(x)), x.mean(dim=(1, 2, 3))], dim=1)

    def step(self, x: Tensor) -> Step:
        """Counts."""
        logits = self.predict(x)
        self.count += 1
        self.lessons.append(x)
        return Step(logits, {"loss": 1.0})

    def reset(self) -> None:
        """To zero."""
        self.count.zero_()

    def parameters(self) -> Mapping[str, Tensor]:
        """The counter."""
        return {"count": self.count}

    def state_dict(self) -> dict[str, Tensor]:
        """The same."""
        return {"count": self.count.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Takes it up."""
        self.count.copy_(state["count"])


def pictures(*values: float) -> Tensor:
    """One picture of one color for each value."""
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, 3, 8, 8)


def test_lessons_are_of_what_is_kept() -> None:
    """None before there is enough; then one a window, of the latest in the order of time, answered before it."""
    method = Counting()
    remembering = Remembering(method, Latest(3))
    first = remembering.step(pictures(1, 2))
    assert not first.stats
    assert not method.lessons
    second = remembering.step(pictures(3, 4))
    assert torch.equal(method.lessons[0], pictures(2, 3, 4))
    assert second.logits[:, 0].tolist() == [0, 0]
    assert second.stats["loss"] == 1.0
    assert second.stats["effective_size"] > 0
    assert remembering.predict(pictures(5))[0, 0] == 1


def test_reset_forgets_what_was_kept() -> None:
    """The next lesson is made of new frames only, and what was learned can be taken up again."""
    method = Counting()
    remembering = Remembering(method, Latest(3))
    remembering.step(pictures(1, 2, 3))
    learned = remembering.state_dict()
    remembering.reset()
    assert remembering.parameters()["count"] == 0
    assert not remembering.step(pictures(4, 5)).stats
    remembering.load_state_dict(learned)
    assert remembering.parameters()["count"] == 1
