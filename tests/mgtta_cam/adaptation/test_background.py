"""Updates on a thread: the answer never waits, and rests on one whole set of parameters."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mgtta import METHODS
from mgtta.guard import Guarded
from mgtta.memory import Member, member
from mgtta.types import Step, Tensors
from mgtta_cam.adaptation.background import Background
from mgtta_cam.adaptation.learner import Inline
from mgtta_cam.assembly.pipeline import learners
from mgtta_cam.config.settings import Settings
from mgtta_cam.types import Update
from mgtta_models import load_backbone
from tests.mgtta_cam.tiny import write_model

SECONDS = 10  # more than any of this takes


@dataclass
class Slow:
    """A method whose updates wait for the test; each adds one to two tensors, one after the other."""

    probabilities = False
    lr = 0.1
    tensors: dict[str, Tensor] = field(default_factory=lambda: {name: torch.zeros(4) for name in ("first", "last")})
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    fails: bool = False

    def predict(self, x: Tensor) -> Tensor:
        """[b, 2]: both tensors."""
        return torch.stack([t[0] for t in self.tensors.values()]).expand(len(x), 2)

    def step(self, x: Tensor, *, scale: float = 1.0) -> Step:  # noqa: ARG002
        """Half of it, a pause, the other half."""
        self.tensors["first"] += 1
        self.begun.release()
        assert self.go.acquire(timeout=SECONDS)
        if self.fails:
            raise ValueError("no update")
        self.tensors["last"] += 1
        return Step(torch.zeros(len(x), 2), {"entropy": 1.0})

    def reset(self) -> None:
        """To zero."""
        for tensor in self.tensors.values():
            tensor.zero_()

    def parameters(self) -> Tensors:
        """Both."""
        return self.tensors

    def state_dict(self) -> dict[str, Tensor]:
        """Copies."""
        return {name: tensor.clone() for name, tensor in self.tensors.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """The inverse."""
        for name, tensor in self.tensors.items():
            tensor.copy_(state[name])


class Rig:
    """A learner around two slow methods."""

    def __init__(self) -> None:
        self.slow = Slow()
        self.learner = Background(Slow(), Guarded(self.slow))

    def answer(self) -> list[float]:
        """What a frame is answered with now."""
        return self.learner.predict(torch.zeros(1, 3, 8, 8))[0].tolist()

    def begin(self) -> None:
        """An update, up to its middle."""
        self.learner.begin_update(window())
        assert self.slow.begun.acquire(timeout=SECONDS)

    def finish(self) -> Update:
        """The rest of it."""
        self.slow.go.release()
        while (update := self.learner.finished_update()) is None:
            threading.Event().wait(0.001)
        return update


def window() -> list[Member]:
    """Two frames."""
    return [member(i, torch.rand(3, 8, 8), 0) for i in (5, 6)]


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Closed at the end, so that no thread is left."""
    rig = Rig()
    yield rig
    rig.slow.go.release()
    rig.learner.close(SECONDS)
    assert "mgtta-cam updates" not in {thread.name for thread in threading.enumerate()}


def test_the_answer_does_not_wait(rig: Rig) -> None:
    """While an update goes on, frames are answered with what was learned before; then with all of it."""
    rig.begin()
    assert rig.learner.busy
    assert rig.learner.finished_update() is None
    assert (rig.answer(), rig.learner.updates) == ([0.0, 0.0], 0)
    update = rig.finish()
    assert (rig.answer(), rig.learner.updates, rig.learner.busy) == ([1.0, 1.0], 1, False)
    assert (update.number, update.frames) == (1, (5, 6))
    assert update.stats["distance"] == pytest.approx(8**0.5)
    assert update.stats["lr"] == 0.1
    assert update.ms > 0
    assert rig.learner.finished_update() is None


def test_reset_is_at_once(rig: Rig) -> None:
    """An update under way comes to nothing, and the next one starts from the source."""
    rig.begin()
    rig.finish()
    rig.begin()
    rig.learner.reset()
    assert (rig.answer(), rig.learner.updates) == ([0.0, 0.0], 0)
    rig.slow.go.release()
    while rig.learner.busy:
        assert rig.learner.finished_update() is None
    assert (rig.answer(), rig.learner.updates) == ([0.0, 0.0], 0)
    rig.begin()
    assert rig.finish().number == 1
    assert rig.answer() == [1.0, 1.0]


def test_undo(rig: Rig) -> None:
    """The last update that frames were answered with is taken back, not one that nobody has seen."""
    for _ in range(2):
        rig.begin()
        rig.finish()
    rig.begin()
    rig.slow.go.release()
    assert rig.learner.undo().back
    assert (rig.answer(), rig.learner.updates, rig.learner.busy) == ([1.0, 1.0], 1, False)
    assert rig.learner.undo().back
    assert rig.answer() == [0.0, 0.0]
    assert not rig.learner.undo().back
    rig.begin()
    rig.finish()
    assert rig.answer() == [1.0, 1.0]


def test_taking_up(rig: Rig) -> None:
    """What an earlier run learned is there from the first frame on, and updates build on it."""
    rig.learner.restore({"first": torch.full((4,), 7.0), "last": torch.full((4,), 8.0)}, updates=7)
    assert (rig.answer(), rig.learner.updates) == ([7.0, 8.0], 7)
    rig.begin()
    rig.finish()
    assert (rig.answer(), rig.learner.updates) == ([8.0, 9.0], 8)
    assert {name: t[0].item() for name, t in rig.learner.state_dict().items()} == {"first": 8.0, "last": 9.0}


def test_an_error_reaches_the_main_thread(rig: Rig) -> None:
    """It is raised where the update would have been taken over."""
    rig.slow.fails = True
    rig.begin()
    with pytest.raises(ValueError, match="no update"):
        rig.finish()


def test_a_update_under_way_does_not_hold_up_the_end(rig: Rig) -> None:
    """Closing waits as long as it was told to, and what was learned before stands."""
    rig.begin()
    rig.finish()
    rig.begin()
    rig.learner.close(patience_s=0.01)
    assert rig.learner.state_dict()["last"][0] == 1


def test_it_teaches_what_inline_updates_teach(tmp_path: Path) -> None:
    """On twins of one model, to the bit: each thread computes as the other does."""
    backbone = load_backbone("tiny", write_model(tmp_path / "tiny.safetensors"), "cpu")
    tent = METHODS["tent"]
    beside = Background(tent(backbone.twin()), Guarded(tent(backbone)), threads=torch.get_num_threads())
    inline = Inline(Guarded(tent(backbone.twin())))
    for seed in range(3):
        pictures = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(seed))
        members = [member(i, x, 0) for i, x in enumerate(pictures)]
        inline.begin_update(members)
        beside.begin_update(members)
        while (update := beside.finished_update()) is None:
            beside.predict(pictures[:1])
        expected = inline.finished_update()
        assert expected is not None
        assert (update.number, update.digest, update.stats) == (expected.number, expected.digest, expected.stats)
        assert torch.equal(beside.predict(pictures), inline.predict(pictures))
    beside.close()


def test_the_guard_watches_what_learns(tmp_path: Path) -> None:
    """And not what answers meanwhile, which an update has not reached: what it takes back is what it does inline."""
    path = write_model(tmp_path / "tiny.safetensors")
    found = []
    for adapt in ("inline", "background"):
        settings = Settings(adapt=adapt, method="tent", lr=1e5)
        learner = learners(settings, load_backbone("tiny", path, "cpu"))["tent"]()
        draw = torch.Generator().manual_seed(1)
        for _ in range(3):
            learner.begin_update([member(i, torch.randn(3, 32, 32, generator=draw), 0) for i in range(8)])
            while (update := learner.finished_update()) is None:
                threading.Event().wait(0.001)
            found.append((update.stats, update.skipped, update.alarms))
        learner.close()
    assert any(skipped == "guard" and alarms for _, skipped, alarms in found)
    assert found[:3] == found[3:]
