"""Updates from a memory: the window is answered as it is, and what was kept is learned from."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mgtta.guard import Guarded
from mgtta.live import FromMemory, live
from mgtta.memory import Latest
from mgtta.types import Step


class Counting:
    """Its one parameter counts updates; it remembers what they were made of."""

    probabilities = False

    def __init__(self) -> None:
        self.count, self.windows = torch.zeros(1), list[Tensor]()

    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, 2]."""
        return torch.stack([self.count.expand(len(x)), x.mean(dim=(1, 2, 3))], dim=1)

    def step(self, x: Tensor, *, scale: float = 1.0) -> Step:  # noqa: ARG002
        """Counts."""
        logits = self.predict(x)
        self.count += 1
        self.windows.append(x)
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


def test_updates_are_of_what_is_kept() -> None:
    """None before there is enough; then one a window, of the latest in the order of time, answered before it."""
    method = Counting()
    learner = FromMemory(method, Latest(3))
    first = learner.step(pictures(1, 2))
    assert (first.stats, first.skipped) == ({}, "memory_filling")
    assert not method.windows
    second = learner.step(pictures(3, 4))
    assert torch.equal(method.windows[0], pictures(2, 3, 4))
    assert second.logits[:, 0].tolist() == [0, 0]
    assert second.stats["loss"] == 1.0
    assert second.stats["effective_size"] > 0
    assert learner.predict(pictures(5))[0, 0] == 1


def test_reset_forgets_what_was_kept() -> None:
    """The next update is made of new frames only, and what was learned can be taken up again."""
    method = Counting()
    learner = FromMemory(method, Latest(3))
    learner.step(pictures(1, 2, 3))
    learned = learner.state_dict()
    learner.reset()
    assert learner.parameters()["count"] == 0
    assert not learner.step(pictures(4, 5)).stats
    learner.load_state_dict(learned)
    assert learner.parameters()["count"] == 1


def test_updates_wait_for_new_frames() -> None:
    """With `every`, small windows do not make an update each; the count begins again with an update."""
    method = Counting()
    learner = FromMemory(method, Latest(2), every=4)
    skipped = [learner.step(pictures(i)).skipped for i in range(9)]
    assert [i for i, why in enumerate(skipped) if why is None] == [3, 7]


def test_a_kept_frame_does_not_keep_its_window() -> None:
    """A memory of views would hold every window that one of its frames came with."""
    memory = Latest(1)
    FromMemory(Counting(), memory).step(pictures(*range(50)).clone())
    assert memory.members()[0].x.untyped_storage().nbytes() == 3 * 8 * 8 * 4


def test_live_leaves_out_what_is_not_asked_for() -> None:
    """Nothing, a guard, a memory, or both."""
    assert isinstance(live(method := Counting()), Counting)
    assert isinstance(live(method, guard="off"), Guarded)
    assert isinstance(live(method, guard="off", memory="window", size=3), FromMemory)
