"""The comparison of two models by scenes, and the teacher that replaces labels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from mgtta.guard import Guarded
from mgtta_cam.adaptation.learner import Inline
from mgtta_cam.log.format import read
from mgtta_cam.metrics.accuracy import Paired, coin
from mgtta_cam.metrics.predictions import confidence
from mgtta_cam.overlay.scoreboard import sentence
from mgtta_cam.stream.predictor import Input, Predictor
from mgtta_cam.types import Frame, FrameResult, Verdict
from tests.mgtta_cam.clips import number, picture
from tests.mgtta_cam.conftest import Command


@pytest.mark.parametrize(
    ("heads", "tails", "p"), [(0, 0, 1.0), (5, 5, 1.0), (9, 1, 0.021484), (0, 6, 0.03125), (15, 5, 0.041389)]
)
def test_coins(heads: int, tails: int, p: float) -> None:
    """The p-values are two-sided binomial tails."""
    assert coin(heads, tails) == pytest.approx(p, abs=1e-6)
    assert coin(tails, heads) == coin(heads, tails)


def test_many_throws() -> None:
    """The normal approximation replaces long exact sums, with nearly the same result."""
    exact, normal = coin(1060, 940), coin(1061, 940)
    assert exact == pytest.approx(0.0078, abs=3e-4)
    assert normal == pytest.approx(exact, rel=0.1)
    assert coin(30_000, 10_000) == 0.0


def test_a_scene_counts_once() -> None:
    """A scene counts for the model that was right more often in it, whatever its length up to the maximum."""
    paired = Paired()
    for truth, adapted, frozen in [(0, True, False)] * 20 + [(1, False, True)] * 3 + [(1, True, True)] * 9:
        paired.update(truth, adapted, frozen)
    assert paired.verdict() == Verdict(1, 1, 1.0)
    for _ in range(2 * Paired.SCENE + 1):
        paired.update(2, adapted=True, frozen=False)
    assert (paired.verdict().better, paired.verdict().worse) == (4, 1)


def test_words() -> None:
    """The words do not call a difference clear if it may be chance."""
    assert sentence(Verdict(34, 7, 0.0003)) == "adapted better: 34 to 7 scenes, p < 0.001"
    assert sentence(Verdict(1, 9, 0.0215)) == "adapted worse: 1 to 9 scenes, p = 0.021"
    assert sentence(Verdict(3, 1, 0.625)) == "no clear difference: 3 to 1 scenes, p = 0.625"


class Three:
    """A learner that always predicts 3."""

    probabilities = False

    def predict(self, x: Tensor) -> Tensor:
        """[b, 8]."""
        return torch.nn.functional.one_hot(torch.full((len(x),), 3), 8).float()

    def parameters(self) -> dict[str, Tensor]:
        """None."""
        return {}

    def state_dict(self) -> dict[str, Tensor]:
        """Nothing."""
        return {}


def answers(stream: list[Frame]) -> Iterator[FrameResult]:
    """Results of a model that predicts 3, compared with one that predicts the frame's number."""
    prepare = Input(lambda image: image, lambda crop: torch.full((3, 8, 8), float(number(crop))))
    answering = Predictor(prepare, lambda x: torch.nn.functional.one_hot(x[:, 0, 0, 0].long(), 8).float())
    learner = Inline(Guarded(Three()))  # pyright: ignore[reportArgumentType]
    return (answering(learner, "three", frame, compare=True, teacher=True)[0] for frame in stream)


def test_a_teacher() -> None:
    """Without labels, agreement with the source model on the clean frame replaces accuracy."""
    corrupted = [Frame(i, i / 10, picture(3), clean=picture(clean)) for i, clean in enumerate((3, 5, 3, 3))]
    results = list(answers(corrupted))
    assert [result.teacher for result in results] == [3, 5, 3, 3]
    score = results[-1].score
    assert score is not None
    assert (score.n, score.overall, score.by) == (4, 0.75, "teacher")


def test_labels_are_worth_more() -> None:
    """With labels, the score is accuracy, even for frames that have a teacher."""
    [result] = answers([Frame(0, 0.0, picture(3), label=4, clean=picture(3))])
    assert result.score is not None
    assert (result.score.by, result.score.overall, result.teacher) == ("labels", 0.0, 3)
    assert result.verdict == Verdict(0, 0, 1.0)


def test_clean_frames_have_no_teacher() -> None:
    """Without labels and teacher, confidence estimates accuracy, and the models are not compared."""
    [result] = answers([Frame(0, 0.0, picture(3))])
    assert result.score is not None
    expected = math.e / (math.e + 7)  # one logit of 1 beside seven of 0
    assert (result.score.by, result.score.overall) == ("estimate", pytest.approx(expected))
    assert result.estimate is not None
    assert result.frozen_estimate is not None
    assert (result.estimate.recent, result.frozen_estimate.recent) == (pytest.approx(expected), pytest.approx(expected))
    assert (result.teacher, result.verdict) == (None, None)


def test_confidence() -> None:
    """Confidence is the top class's probability, and 0 if the logits are not finite."""
    assert confidence(np.array([0.0, 50.0], np.float32)) == pytest.approx(1.0)
    assert confidence(np.array([0.0, np.nan], np.float32)) == 0.0


def test_it_is_logged(command: Command, ready: list[str]) -> None:
    """Agreement is logged for corrupted frames in split view, unless switched off, and summarized."""
    words = ["--compare", "split", "--corrupt-schedule", "0:clean 4:gaussian_noise:5", "--json", "--overwrite"]
    assert command(*ready, *words, "--log", "a.jsonl").code == 0
    records = list(read(Path("a.jsonl")))
    told = [record for record in records if "teacher_agree" in record]
    assert [record["i"] for record in told] == list(range(4, 10))
    assert all("frozen_agree" in record for record in told)
    agreement = records[-1]["agreement"]
    assert agreement["adapted"]["correct"] == sum(record["teacher_agree"] for record in told)
    assert (agreement["adapted"]["n"], agreement["frozen"]["n"]) == (6, 6)
    assert records[-1]["verdict"]["better"] >= 0
    assert command("replay", "a.jsonl", "--verify").code == 0
    assert command(*ready, *words, "--log", "a.jsonl", "--no-teacher").code == 0
    assert not any("teacher_agree" in record for record in read(Path("a.jsonl")))
