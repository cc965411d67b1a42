"""The loop, with methods that are not models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mgtta.guard import Guarded
from mgtta.memory import Latest
from mgtta.types import Step, Tensors
from mgtta_cam.adaptation.learner import Inline
from mgtta_cam.adaptation.loop import AdaptationLoop
from mgtta_cam.adaptation.schedule import Window
from mgtta_cam.digests import digest
from mgtta_cam.errors import GuardError
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.pipeline import Pipeline
from mgtta_cam.stream.predictor import Input, Predictor
from mgtta_cam.types import Frame, FrameResult
from mgtta_models import ModelError, Output
from tests.mgtta_cam.clips import frames, number, picture


@dataclass
class Fake:
    """Answers class `bias`, and each update moves the bias by one."""

    probabilities = False

    weight: Tensor = field(default_factory=lambda: torch.zeros(1))
    windows: list[list[int]] = field(default_factory=list)
    predictions: int = 0
    stats: Mapping[str, float] = field(default_factory=lambda: {"entropy": 0.5})
    skipped: str | None = None

    def predict(self, x: Tensor) -> Tensor:
        """One-hot of the weight."""
        assert x.shape == (1, 3, 8, 8)
        self.predictions += 1
        return torch.nn.functional.one_hot(self.weight.long(), 8).float()

    def step(self, x: Tensor, *, scale: float = 1.0) -> Step:  # noqa: ARG002
        """Remembers the window and learns."""
        self.windows.append(x[:, 0, 0, 0].int().tolist())
        self.weight += 1
        return Step(torch.zeros(len(x), 8), self.stats, self.skipped)

    def reset(self) -> None:
        """Back to zero."""
        self.weight.zero_()

    def parameters(self) -> Tensors:
        """The weight."""
        return {"weight": self.weight}

    def state_dict(self) -> dict[str, Tensor]:
        """A copy."""
        return {"weight": self.weight.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """The inverse."""
        self.weight.copy_(state["weight"])


class Rig:
    """A pipeline around fakes."""

    def __init__(self, window: Window, method: str = "fake", **extra: Any) -> None:
        self.fake, self.controls = Fake(), Controls()
        self.told: list[tuple[str, dict[str, Any]]] = []
        guard = extra.pop("guard", Guarded)
        builders = {"none": lambda: self.fake, "fake": lambda: self.fake, **extra.pop("methods", {})}
        methods = {name: lambda build=build: Inline(guard(build())) for name, build in builders.items()}

        def emit(kind: str, /, **facts: Any) -> None:
            self.told.append((kind, facts))

        prepare = Input(crop=lambda image: image, tensor=lambda crop: torch.full((3, 8, 8), float(number(crop))))
        clock = {"clock": extra["clock"]} if "clock" in extra else {}
        predictor = Predictor(prepare, extra.pop("frozen", lambda _: torch.zeros(1, 8)), **clock)
        self.adaptation = AdaptationLoop(methods, method, window, Latest(window.size), emit)
        self.pipeline = Pipeline(self.adaptation, predictor, self.controls, emit=emit, **extra)

    def run(self, stream: list[Frame]) -> list[FrameResult]:
        """All results."""
        return list(self.pipeline(stream))


def test_one_result_a_frame_in_order() -> None:
    """Each frame is answered once, by the model as it is then."""
    results = Rig(Window(4)).run(frames(10))
    assert [r.frame.index for r in results] == list(range(10))
    assert [r.top1 for r in results] == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
    assert [r.updates for r in results] == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]


def test_full_windows_teach_once() -> None:
    """Windows are of following frames and do not overlap; the result that completes one carries its update."""
    rig = Rig(Window(4))
    results = rig.run(frames(10))
    assert rig.fake.windows == [[0, 1, 2, 3], [4, 5, 6, 7]]
    updates = {r.frame.index: r.update for r in results if r.update}
    assert {i: (update.number, update.frames) for i, update in updates.items()} == {
        3: (1, (0, 1, 2, 3)),
        7: (2, (4, 5, 6, 7)),
    }
    assert updates[7].stats["entropy"] == 0.5
    assert updates[7].stats["distance"] == 2.0
    assert updates[3].digest != updates[7].digest


def test_refused_frames_are_answered_and_do_not_teach() -> None:
    """The window goes on with the next frame that may teach."""
    rig = Rig(Window(3))
    stream = [replace(frame, rejected="black" if frame.index in (1, 2) else None) for frame in frames(6)]
    assert len(rig.run(stream)) == 6
    assert rig.fake.windows == [[0, 3, 4]]


def test_a_window_does_not_reach_over_a_lost_source() -> None:
    """Frames from before the source was opened again are forgotten."""
    rig = Rig(Window(3))
    rig.run([replace(frame, connection=int(frame.index >= 2)) for frame in frames(6)])
    assert rig.fake.windows == [[2, 3, 4]]


def test_sliding_windows() -> None:
    """`every` 2 of windows of 4: the first when it is full, then each second frame."""
    rig = Rig(Window(4, every=2))
    rig.run(frames(9))
    assert rig.fake.windows == [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]]


def test_windows_with_gaps() -> None:
    """`every` beyond the size leaves frames out."""
    rig = Rig(Window(2, every=5))
    rig.run(frames(11))
    assert rig.fake.windows == [[3, 4], [8, 9]]


def test_windows_of_distant_frames() -> None:
    """`stride` 3 takes every third frame; each is taken once, unless `every` asks for updates in between."""
    rig = Rig(Window(2, stride=3))
    rig.run(frames(13))
    assert rig.fake.windows == [[0, 3], [6, 9]]
    rig = Rig(Window(2, stride=3, every=3))
    rig.run(frames(10))
    assert rig.fake.windows == [[0, 3], [3, 6], [6, 9]]


def test_max_updates() -> None:
    """Learning ends after so many updates, answering goes on."""
    rig = Rig(Window(2, most_updates=2))
    assert len(rig.run(frames(10))) == 10
    assert len(rig.fake.windows) == 2


def test_skipped_windows_are_no_updates() -> None:
    """A window that taught nothing is told as an update and not counted as an update."""
    rig = Rig(Window(2))
    rig.fake.skipped = "loss_not_finite"
    results = rig.run(frames(5))
    assert [r.updates for r in results] == [0] * 5
    assert (results[0].skipped, results[-1].skipped) == (None, "loss_not_finite")
    assert sum(r.update is not None for r in results) == 2


def test_none_gathers_nothing() -> None:
    """Without adaptation no window is ever stepped."""
    rig = Rig(Window(2), method="none")
    rig.run(frames(6))
    assert rig.fake.windows == []


def test_adaptation_off_and_on() -> None:
    """While it is off nothing is learned, and a window never spans the gap."""
    rig = Rig(Window(3))
    for result in rig.pipeline(frames(12)):
        if result.frame.index in (1, 5):
            rig.controls.press("a")
    assert rig.fake.windows == [[6, 7, 8], [9, 10, 11]]


def test_reset() -> None:
    """The key r returns to the source model, forgets the window, and counts updates from one again."""
    rig = Rig(Window(4))
    results = []
    for result in rig.pipeline(frames(12)):
        results.append(result)
        if result.frame.index == 5:
            rig.controls.press("r")
    assert rig.fake.windows == [[0, 1, 2, 3], [6, 7, 8, 9]]
    assert [r.updates for r in results] == [0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1]
    assert results[9].update is not None
    assert results[9].update.number == 1
    assert ("reset", {"method": "fake", "updates": 0}) in rig.told


def test_scenes() -> None:
    """A cut is told; whether it, or a source that is back, returns to the source model is for the user to say."""
    stream = frames(12)
    stream[5] = replace(stream[5], cut=True)
    stream[7:] = [replace(frame, connection=1) for frame in stream[7:]]
    reset_at = {"none": 99, "cut": 5, "reconnect": 7}
    for reset_on, at in reset_at.items():
        rig = Rig(Window(2), reset_on=reset_on)
        updates = [r.updates for r in rig.run(stream)]
        assert updates[4] == 2
        assert all(now >= before for before, now in pairwise(updates)) is (at == 99)
        if at < 12:
            assert (updates[at - 1], updates[at]) == (2 + (at == 7), 0)
            assert ("reset", {"method": "fake", "updates": 0}) in rig.told
        assert ("cut", {"frame": 5}) in rig.told


def test_undo() -> None:
    """Each undo takes one update back, and its frames; without one nothing changes."""
    rig = Rig(Window(2))
    rig.run(frames(7))  # three updates, and a frame of the next
    assert (rig.adaptation.learner.updates, rig.fake.weight.item()) == (3, 3)
    rig.controls.press("u")
    assert rig.run(frames(1))[0].updates == 2
    assert rig.fake.weight.item() == 2
    for _ in range(9):
        rig.controls.press("u")
    assert rig.run(frames(1))[0].updates == 0
    assert rig.fake.weight.item() == 0
    assert rig.told[0] == ("undo", {"method": "fake", "updates": 2})
    assert len(rig.fake.windows) == 3


def test_the_guard() -> None:
    """What it takes back is told, its frames are forgotten, and with `stop` the run ends."""

    def look(x: Tensor) -> Output:
        classes = torch.arange(len(x)) % 8
        sureness = 9.0 if rig.fake.weight < 2 else 0.0
        return Output(torch.nn.functional.one_hot(classes, 8) * sureness, torch.zeros(len(x), 1, 1))

    for mode in ("warn", "rollback", "stop"):
        rig = Rig(Window(4), guard=partial(Guarded, model=look, mode=mode))
        if mode == "stop":
            with pytest.raises(GuardError, match=r"stopped the run after 1 good updates \(entropy \+2"):
                rig.run(frames(20))
            assert rig.fake.weight == 1
            continue
        results = rig.run(frames(12))
        assert results[-1].updates == (2 if mode == "warn" else 1)
        kind, facts = rig.told[0]
        assert (kind, facts["updates"]) == (("guard", 2) if mode == "warn" else ("rollback", 1))
        assert "entropy +2" in facts["reasons"]


def test_next_method() -> None:
    """The key m goes to the next method that can be built, on the restored source model."""

    def broken() -> Fake:
        raise ModelError("no statistics")

    other = Fake()
    rig = Rig(Window(2), methods={"broken": broken, "other": lambda: other})
    seen = []
    for result in rig.pipeline(frames(6)):
        seen.append(result.method)
        if result.frame.index == 2:
            rig.controls.press("m")
    assert seen == ["fake"] * 3 + ["other"] * 3
    assert rig.fake.weight.item() == 0
    assert other.windows == [[3, 4]]
    assert ("method-unavailable", {"name": "broken", "why": "no statistics"}) in rig.told


def test_split_view() -> None:
    """The frozen model answers only while it is asked for, and its accuracy is of the same frames."""
    rig = Rig(Window(2))
    results = []
    for result in rig.pipeline([replace(f, label=0) for f in frames(6)]):
        results.append(result)
        if result.frame.index in (1, 3):
            rig.controls.press("v")
    assert [r.frozen_logits is not None for r in results] == [False, False, True, True, False, False]
    scores = results[3].score, results[3].frozen_score
    assert scores[0] is not None
    assert scores[1] is not None
    assert (scores[0].n, scores[0].overall) == (4, 0.5)
    assert (scores[1].n, scores[1].overall) == (2, 1.0)
    assert results[4].frozen_score is None


def test_no_labels_no_score() -> None:
    """Without truth nothing is claimed about accuracy, but for an estimate that is called one."""
    assert all(r.score is not None and r.score.by == "estimate" for r in Rig(Window(2)).run(frames(3)))


def test_warm_up_is_not_seen() -> None:
    """Warm-up answers are not counted, not learned from, and asked once."""
    rig = Rig(Window(2), warmup=3)
    assert len(rig.run(frames(4))) == 4
    assert rig.fake.predictions == 4 + 3
    assert rig.fake.windows == [[0, 1], [2, 3]]


def test_stage_times() -> None:
    """Each station's milliseconds are in the result; latency is up to the answer, without the update."""
    ticks = iter(range(10_000))
    rig = Rig(Window(1), clock=lambda: next(ticks) / 1000)
    [result] = rig.run([replace(frames(1)[0], ms={"decode": 7.0})])
    assert result.ms == {"decode": 7.0, "prep": 1.0, "infer": 1.0, "frozen": 1.0, "adapt": 1.0}
    assert result.latency_ms == 2.0


def test_the_digest_is_of_the_crop() -> None:
    """Equal input, equal digest; one changed pixel changes it."""
    results = Rig(Window(9)).run([frames(1)[0], frames(1)[0], frames(2)[1]])
    changed = picture(0)
    changed[0, 0, 0] += 1
    assert results[0].digest == results[1].digest == digest(picture(0))
    assert len({results[0].digest, results[2].digest, digest(changed)}) == 3


def test_logits_are_arrays() -> None:
    """Sinks never meet a tensor."""
    [result] = Rig(Window(9)).run(frames(1))
    assert isinstance(result.logits, np.ndarray)
    assert (result.logits.dtype, result.logits.shape) == (np.float32, (8,))


@pytest.mark.parametrize("options", [{"size": 0}, {"size": 4, "stride": 0}, {"size": 4, "every": 0}])
def test_a_window_holds_something(options: dict[str, int]) -> None:
    """An empty window is refused."""
    with pytest.raises(ValueError, match="are 1 or more"):
        Window(**options)
