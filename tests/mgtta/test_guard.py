"""What is learned is watched without labels, and taken back where it does harm."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor

from mgtta.guard import PERIOD, Guarded, Mode
from mgtta.history import History
from mgtta.logits import entropy
from mgtta.methods.tent import tent
from mgtta.statistics import SourceStatistics
from mgtta.types import Step
from mgtta_models import Backbone, Output
from tests.mgtta.test_contract import pictures, same, tiny


class Drifting:
    """A method whose one parameter grows by `stride` in each step."""

    probabilities = False

    def __init__(self, stride: float) -> None:
        self.value, self.stride = torch.zeros(1), stride

    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, 4]."""
        return torch.zeros(len(x), 4)

    def step(self, x: Tensor, *, scale: float = 1.0) -> Step:  # noqa: ARG002
        """Moves."""
        self.value += self.stride
        return Step(self.predict(x), {"loss": 1.0})

    def reset(self) -> None:
        """To zero."""
        self.value.zero_()

    def parameters(self) -> dict[str, Tensor]:
        """The value."""
        return {"value": self.value}

    def state_dict(self) -> dict[str, Tensor]:
        """A copy."""
        return {"value": self.value.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Takes it up."""
        self.value.copy_(state["value"])


def watched(method: Drifting, answer: Callable[[Tensor, float], Tensor], mode: Mode = "rollback") -> Guarded:
    """A guard on a model that answers by a function of frames [b, 3, h, w] and the method's value, [b, c]."""

    def model(x: Tensor) -> Output:
        return Output(answer(x, float(method.value)), torch.zeros(len(x), 1, 1))

    return Guarded(method, model, mode=mode)


def sure(x: Tensor, value: float) -> Tensor:
    """Four classes in turn; the larger the value, the less sure."""
    return torch.nn.functional.one_hot(torch.arange(len(x)) % 4, 4) * (8.0 - value)


def alike(x: Tensor, value: float) -> Tensor:
    """Four classes in turn, and with a value all the first one."""
    first = torch.nn.functional.one_hot(torch.zeros(len(x), dtype=torch.long), 4)
    return sure(x, 0) + 20.0 * value * first


def nothing(x: Tensor, value: float) -> Tensor:
    """No numbers, once there is a value."""
    return sure(x, 0) * (float("nan") if value else 1.0)


@pytest.mark.parametrize(
    ("answer", "stride", "reason"),
    [(sure, 7.0, "entropy"), (alike, 1.0, "collapse"), (nothing, 1.0, "not_finite")],
)
def test_an_update_that_does_harm_is_taken_back(
    answer: Callable[[Tensor, float], Tensor], stride: float, reason: str
) -> None:
    """To the bit, and said why; `warn` leaves it."""
    method = Drifting(stride)
    step = watched(method, answer).step(pictures(0))
    assert reason in step.alarms
    assert step.skipped == "guard"
    assert method.value == 0
    guarded = watched(method, answer, "warn")
    step = guarded.step(pictures(0))
    assert reason in step.alarms
    assert step.skipped is None
    assert (method.value, guarded.updates) == (stride, 1)
    method.reset()
    assert not watched(method, answer, "off").step(pictures(0)).alarms


def test_good_updates_stay() -> None:
    """More certain is not worse."""
    method = Drifting(-0.1)
    guarded = watched(method, sure)
    for seed in range(9):
        assert not guarded.step(pictures(seed)).alarms
    assert (guarded.updates, round(float(method.value), 4)) == (9, -0.9)


def test_frames_that_are_all_alike_are_skipped() -> None:
    """Of one class, and surely so; an unsure model that answers all alike may be a collapsed one, and learns."""
    method = Drifting(0.1)
    step = watched(method, lambda x, _: alike(x, 0.5)).step(pictures(0))
    assert (step.stats, step.skipped) == ({}, "alike")
    assert method.value == 0
    assert not watched(method, lambda x, _: 0.1 * alike(x, 0.5)).step(pictures(0)).skipped


def test_damage_that_creeps_in_is_found() -> None:
    """Updates from frames of two classes hide what they do; on the first that differ it shows, and the last good
    parameters return."""
    method = Drifting(0.9)
    monotone = False

    def answer(x: Tensor, value: float) -> Tensor:
        return sure(x, 0)[torch.arange(len(x)) % 2] if monotone else sure(x, value)

    guarded = watched(method, answer)
    method.stride = 0.0
    for _ in range(PERIOD):
        guarded.step(pictures(0))
    monotone, method.stride = True, 0.9
    for _ in range(2 * PERIOD):
        guarded.step(pictures(0))
    assert method.value > 7
    monotone = False
    steps = [guarded.step(pictures(0)) for _ in range(PERIOD)]
    assert any("worse" in step.alarms for step in steps)
    assert (method.value, guarded.updates) == (0, PERIOD - 1)  # it was judged good before the update that followed


@pytest.mark.parametrize(("answer", "reason"), [(alike, "alike"), (sure, "sure")])
def test_a_model_that_collapsed_surely_is_noticed(answer: Callable[[Tensor, float], Tensor], reason: str) -> None:
    """Its answers call for no update, but its features are strange: the comparison comes first."""
    method = Drifting(0.0)

    def model(x: Tensor) -> Output:
        return Output(answer(x, float(method.value)), 200 * method.value.expand(len(x), 1, 1))

    guarded = Guarded(method, model, SourceStatistics(torch.ones(1), torch.zeros(1), entropy=0.2), "rollback")
    method.value += 1
    steps = [guarded.step(pictures(0)) for _ in range(PERIOD)]
    assert [step.skipped for step in steps] == [reason] * (PERIOD - 1) + ["guard"]
    assert "worse" in steps[-1].alarms
    assert method.value == 0


class Rated(Drifting):
    """The same with a rate, which it keeps note of."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.lr, self.rates = 0.3, list[float]()

    def step(self, x: Tensor, *, scale: float = 1.0) -> Step:
        """Notes the rate."""
        self.rates.append(self.lr * scale)
        return super().step(x)


def needed(entropies: Tensor, usual: float, x: Tensor, mode: Mode = "rollback") -> tuple[Step, Rated]:
    """A step on frames whose answers have such entropies, in nats, where those of clean pictures are `usual`."""
    grid = torch.linspace(0, 12, 1201)  # scale of the answers -> their entropy, which falls
    scales = torch.stack([grid[(entropy(grid[:, None] * torch.eye(4)[:1]) - d).abs().argmin()] for d in entropies])
    answers = torch.eye(4)[torch.arange(len(x)) % 4] * scales[:, None]
    statistics = SourceStatistics(torch.ones(1), torch.zeros(1), entropy=usual)
    method = Rated()

    def model(frames: Tensor) -> Output:
        return Output(answers[: len(frames)], torch.zeros(len(frames), 1, 1))

    return Guarded(method, model, statistics, mode).step(x), method


def test_an_update_is_as_large_as_the_need_for_it() -> None:
    """None where frames are answered as surely as clean ones, whole from four times their entropy; `warn` only says."""
    x = pictures(0)
    step, method = needed(torch.full((16,), 0.2), 0.25, x)
    assert (step.stats, step.skipped, method.rates) == ({}, "sure", [])
    assert len(step.logits) == 16
    step, method = needed(torch.full((16,), 0.5), 0.2, x)
    assert method.rates == [pytest.approx(0.3 * (0.5 / 0.2 - 1) / 3, rel=0.02)]
    assert (step.stats["lr"], method.lr) == (method.rates[0], 0.3)
    assert needed(torch.full((16,), 0.9), 0.2, x)[1].rates == [0.3]
    assert needed(torch.full((16,), 0.2), 0.25, x, "warn")[1].rates == [0.3]


def test_few_different_frames_prove_little() -> None:
    """The same entropies of sixteen copies of two pictures are no proof, of as many different pictures they are."""
    entropies = torch.tensor([0.1, 0.9]).repeat(8)
    copies = pictures(0)[:2].repeat(8, 1, 1, 1)
    assert needed(entropies, 0.2, copies)[0].skipped == "sure"
    assert needed(entropies, 0.2, pictures(0))[1].rates == [pytest.approx(0.3 * (0.5 / 0.2 - 1) / 3, rel=0.02)]


def test_it_is_a_method() -> None:
    """Watching changes nothing in what is learned; reset, save and load reach through, and the rate."""
    plain, guarded = tent(tiny(), lr=1e-4), Guarded(tent(backbone := tiny(), lr=1e-4), backbone, mode="rollback")
    for seed in range(PERIOD + 1):
        assert torch.equal(plain.step(pictures(seed)).logits, guarded.step(pictures(seed)).logits)
    assert same(plain.state_dict(), guarded.state_dict())
    assert guarded.lr == 1e-4
    kept = guarded.state_dict()
    guarded.reset()
    assert guarded.updates == 0
    assert not same(guarded.state_dict(), kept)
    guarded.load_state_dict(kept)
    assert same(guarded.state_dict(), kept)
    assert guarded.undo() is False


def test_what_is_too_large_is_not_watched() -> None:
    """It could not be taken back."""
    backbone: Backbone = tiny()
    guarded = Guarded(tent(backbone, lr=3.0), backbone, mode="rollback", history=History(most_bytes=100))
    assert not guarded.step(pictures(0)).alarms
