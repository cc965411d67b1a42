"""Recorded computations, with a stand-in for CUDA's graphs; `make gpu-check` has the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from mgtta_models import graphs
from mgtta_models.graphs import Graphed, Recorded, by_one
from mgtta_models.together import by_torch
from tests.mgtta.test_contract import tiny


class Recorder:
    """Runs the work again at each launch, and writes where it wrote before, as a graph does."""

    def __init__(self) -> None:
        self.recordings = self.launches = 0
        self.first: list[bool] = []

    def __call__(self, work: Callable[[], Any], _: torch.device, *, first: bool) -> tuple[Callable[[], None], Any]:
        """As `graphs.record`."""
        self.recordings += 1
        self.first.append(first)
        found = work()

        def launch() -> None:
            self.launches += 1
            for there, value in zip(tensors(found), tensors(work()), strict=True):
                there.copy_(value)

        return launch, found


def tensors(found: Any) -> Iterator[Tensor]:
    """All of them, in order."""
    if isinstance(found, Tensor):
        yield found
        return
    for part in found.values() if isinstance(found, Mapping) else found:
        yield from tensors(part)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """In the place of CUDA."""
    recorder = Recorder()
    monkeypatch.setattr(graphs, "recordable", lambda _: True)
    monkeypatch.setattr(graphs, "record", recorder)
    return recorder


def test_off_cuda_nothing_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is called."""
    monkeypatch.setattr(graphs, "record", lambda *_, **__: pytest.fail("recorded"))
    doubled = Recorded(lambda x: (2 * x,))
    for _ in range(4):
        assert doubled(torch.ones(2))[0].tolist() == [2, 2]


def test_from_the_second_call_on(recorder: Recorder) -> None:
    """Each answer is that of its own inputs, and is not overwritten by the next."""
    total = Recorded(lambda x, y: ({"sum": x + y}, (x - y, (x * y).sum())))
    answers = [total(torch.full((3,), float(i)), torch.arange(3.0)) for i in range(5)]
    for i, (named, (difference, product)) in enumerate(answers):
        assert named["sum"].tolist() == [i, i + 1, i + 2]
        assert difference.tolist() == [i, i - 1, i - 2]
        assert product.item() == 3 * i
    assert (recorder.recordings, recorder.launches) == (1, 4)


def test_shapes_and_how_many_are_kept(recorder: Recorder) -> None:
    """A graph for each combination of shapes; the oldest goes where there are too many."""
    doubled = Recorded(lambda x: (2 * x,), keep=2)
    for size in (1, 2, 3, 1, 2, 1, 3, 2, 1):
        assert doubled(torch.ones(size))[0].tolist() == [2.0] * size
    assert recorder.recordings == 4  # 1 and 2, then 3 for 1, then 1 for 2
    assert recorder.launches == 6


def picture(count: int) -> Tensor:
    """[count, 3, 32, 32]."""
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(count))


@torch.no_grad()
def test_answers_follow_the_norms(recorder: Recorder) -> None:
    """Of each twin, as they are at each call; large windows are not recorded."""
    source = tiny()
    plain = [source.twin() for _ in range(2)]
    source.engine = Graphed(by_one(source), most=2)
    twins = [source.twin() for _ in range(2)]
    for i in range(4):
        for j in range(2):
            for model in (twins[j], plain[j]):
                model.norm_vector.mul_(1 + 0.1 * (i + j))
            assert torch.equal(twins[j](picture(1)).logits, plain[j](picture(1)).logits)
            assert torch.equal(twins[j](picture(4)).features, plain[j](picture(4)).features)
    assert recorder.recordings == 1
    assert recorder.first == [True]


@torch.no_grad()
def test_norms_apart(recorder: Recorder) -> None:
    """A row of norms for each picture."""
    source = tiny()
    compute = by_torch(source)
    engine, norms = Graphed(compute), source.norm_vector.expand(3, -1) * torch.tensor([[1.0], [1.1], [1.2]])
    for _ in range(3):
        assert torch.equal(engine(picture(3), norms).logits, compute(picture(3), norms).logits)
    assert recorder.recordings == 1


@pytest.mark.parametrize("name", ["tent", "sgd", "mgtta", "mgtta-lstm", "eata"])
def test_updates(recorder: Recorder, name: str) -> None:
    """Passes of methods whose loss is computed the same way for all windows are recorded; the same is learned."""
    from mgtta_cam.bench.speed.models import built

    windows = [torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(i)) for i in range(4)]

    def run() -> tuple[list[dict[str, float]], Tensor]:
        method = built(name, tiny(), windows[0])
        stats = [dict(method.step(x).stats) for x in windows]
        return stats, torch.cat([p.detach().flatten() for p in method.parameters().values()])

    stats, learned = run()
    assert recorder.recordings == (name != "eata")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graphs, "recordable", lambda _: False)
        expected, plainly = run()
    assert stats == expected
    assert torch.equal(learned, plainly)
