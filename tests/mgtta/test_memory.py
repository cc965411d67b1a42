"""What updates are made of."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import Tensor

from mgtta.memory import (
    FADING,
    FEWEST,
    GRID,
    HORIZON,
    TWINS,
    Balanced,
    Latest,
    Member,
    Reservoir,
    effective_size,
    member,
)
from mgtta.plugins import MEMORIES

# n numbers of unit length: n roundings of their product, and n / 2 of each length, are of half a unit each.
UNIT = 3 * GRID**2 * torch.finfo(torch.float32).eps


def picture(seed: int) -> Tensor:
    """[3, 64, 64]: smooth colors that differ from seed to seed."""
    coarse = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=64, mode="bilinear")[0]


def seen(frame: int, seed: int | None = None, label: int = 0) -> Member:
    """A frame that shows picture `seed`; by default each shows its own."""
    return member(frame, picture(frame if seed is None else seed), label)


def frames_of(memory: Latest | Reservoir | Balanced) -> list[int]:
    """Which frames are kept."""
    return [kept.frame for kept in memory.members()]


def test_a_sketch_knows_a_scene_again() -> None:
    """Noise, less contrast and another cast of color leave it a twin; another picture is none."""
    scene = picture(0)
    worse = 0.1 * scene + torch.tensor([0.5, -0.2, 0.1]).view(3, 1, 1)
    noisy = scene + torch.randn(scene.shape, generator=torch.Generator().manual_seed(1))
    sketches = [member(0, x, 0).sketch for x in (scene, worse, noisy, picture(7))]
    assert float(sketches[0] @ sketches[1]) == pytest.approx(1, abs=UNIT)
    assert float(sketches[0] @ sketches[2]) > TWINS
    assert float(sketches[0] @ sketches[3]) < 0.5


def test_effective_size() -> None:
    """Frames without likeness count one each, copies count one together; nothing is nothing."""
    assert effective_size([]) == 0
    assert effective_size([seen(i).sketch for i in range(20)]) == pytest.approx(20, rel=0.02)
    assert effective_size([seen(i, seed=3).sketch for i in range(20)]) == pytest.approx(1)
    assert effective_size([seen(i, seed=i % 4).sketch for i in range(20)]) == pytest.approx(4, rel=0.02)
    flat = [member(i, torch.full((3, 64, 64), i / 9), 0) for i in range(5)]
    assert effective_size([one.sketch for one in flat]) == pytest.approx(1)


@pytest.mark.parametrize("name", MEMORIES)
def test_every_policy(name: str) -> None:
    """Bounded, in the order of time, and after `clear` as at the beginning: the same frames give the same members."""
    memory = MEMORIES[name](24, 5)
    runs = []
    for _ in range(2):
        assert not memory.ready
        for i in range(200):
            memory.add(seen(i, label=i % 7))
        frames = [kept.frame for kept in memory.members()]
        assert memory.ready
        assert len(frames) == len(set(frames)) == 24
        assert frames == sorted(frames)
        runs.append(frames)
        memory.clear()
        assert memory.members() == []
    assert runs[0] == runs[1]


def test_latest() -> None:
    """The latest frames, and an update only from a full window."""
    memory = Latest(3)
    for i in range(5):
        assert memory.ready == (i >= 3)
        memory.add(seen(i))
    assert frames_of(memory) == [2, 3, 4]


def test_reservoir_is_uniform_over_time() -> None:
    """Early and late frames of twice its size are kept equally often; what lies far behind is gone."""
    kept = Counter(i // 5 for seed in range(100) for i in drawn(10 * FADING, seed))
    assert sum(kept.values()) == 1000
    assert all(200 < kept[quarter] < 300 for quarter in range(4))
    assert min(drawn(60 * FADING, 0)) > 10 * FADING


def drawn(count: int, seed: int) -> list[int]:
    """The frames of `count` that a reservoir of 10 keeps."""
    memory, one = Reservoir(10, seed), seen(0)
    for i in range(count):
        memory.add(one._replace(frame=i))
    return frames_of(memory)


def test_balanced_keeps_one_of_each_scene() -> None:
    """A scene that stands for 30 frames is there once, with its latest frame; FEWEST of them are enough."""
    memory = Balanced(64)
    for i in range(30 * FEWEST):
        assert memory.ready == (i > 30 * (FEWEST - 1))
        memory.add(seen(i, seed=i // 30))
    assert frames_of(memory) == list(range(29, 30 * FEWEST, 30))


def test_balanced_balances_classes() -> None:
    """Of nine frames in ten that show one class most go; the rare class stays."""
    memory = Balanced(20)
    for i in range(200):
        memory.add(seen(i, label=int(i % 10 == 0)))
    counts = Counter(kept.label for kept in memory.members())
    assert counts[0] == counts[1] == 10


def test_balanced_forgets_what_is_old() -> None:
    """What was seen a horizon ago is gone, though nothing took its place."""
    memory = Balanced(20)
    memory.add(seen(0))
    memory.add(seen(HORIZON - 1))
    assert frames_of(memory) == [0, HORIZON - 1]
    memory.add(seen(HORIZON))
    assert frames_of(memory) == [HORIZON - 1, HORIZON]
