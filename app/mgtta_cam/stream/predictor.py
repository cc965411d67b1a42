"""From a frame to its prediction: the same for a stream and for its replay."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mgtta.logits import as_logits
from mgtta_cam.adaptation.learner import Learner
from mgtta_cam.digests import digest
from mgtta_cam.metrics.accuracy import Accuracy, Paired
from mgtta_cam.metrics.latency import Rate
from mgtta_cam.metrics.predictions import confidence
from mgtta_cam.types import Frame, FrameResult, Image


@dataclass(frozen=True, slots=True)
class Input:
    """How a frame's image becomes the model's input."""

    crop: Callable[[Image], Image]  # uint8 [h, w, 3] -> uint8 [s, s, 3]
    tensor: Callable[[Image], Tensor]  # the crop -> [3, s, s] where the model is


class Predictor:
    """Predicts frames one at a time, and keeps the running scores.

    Args:
        prepare: pixels to tensor.
        frozen: [1, 3, s, s] -> logits [1, c] of the source model.
        clock: seconds.
    """

    def __init__(
        self, prepare: Input, frozen: Callable[[Tensor], Tensor], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._prepare, self._frozen, self._clock = prepare, frozen, clock
        self._rate, self._by_labels, self._by_teacher = Rate(), Scores(), Scores()
        self._expected, self._frozen_expected = Accuracy(), Accuracy()

    def __call__(
        self, learner: Learner, method: str, frame: Frame, *, compare: bool, teacher: bool = False
    ) -> tuple[FrameResult, Tensor]:
        """The learner's prediction, with the source model's where they are compared; and the model's input [3, s, s].

        With `teacher`, the source model predicts a corrupted frame's clean version as well.
        """
        began = self._clock()
        crop = self._prepare.crop(frame.image) if frame.crop is None else frame.crop
        x = self._prepare.tensor(crop)
        prepared = self._clock()
        logits = _array(as_logits(learner.predict(x.unsqueeze(0)), learner.probabilities))
        answered = self._clock()
        frozen_logits = _array(self._frozen(x.unsqueeze(0))) if compare else None
        clean_class = self._clean_class(frame) if teacher and frame.clean is not None else None
        compared = self._clock()
        ms = {
            "prep": (prepared - began) * 1000 + frame.ms.get("prep", 0.0),
            "infer": (answered - prepared) * 1000,
            "frozen": (compared - answered) * 1000,
        }
        result = FrameResult(
            frame,
            logits,
            latency_ms=(answered - began) * 1000,
            method=method,
            updates=learner.updates,
            frozen_logits=frozen_logits,
            teacher=clean_class,
            fps=self._rate.update(answered),
            crop=crop,
            digest=digest(crop),
            ms={**frame.ms, **ms},
        )
        return self._scored(result), x

    def _clean_class(self, frame: Frame) -> int:
        assert frame.clean is not None
        return int(self._frozen(self._prepare.tensor(self._prepare.crop(frame.clean)).unsqueeze(0)).argmax())

    def _scored(self, result: FrameResult) -> FrameResult:
        adapted, frozen = result.top1, result.frozen_top1
        for truth, scores in ((result.frame.label, self._by_labels), (result.teacher, self._by_teacher)):
            if truth is not None:
                scores.update(truth, adapted, frozen)
        self._expected.update(confidence(result.logits))
        if result.frozen_logits is not None:
            self._frozen_expected.update(confidence(result.frozen_logits))
        estimate = self._expected.score("estimate")
        frozen_estimate = self._frozen_expected.score("estimate") if frozen is not None else None
        result = replace(result, estimate=estimate, frozen_estimate=frozen_estimate)
        if not self._by_labels.adapted.n and not self._by_teacher.adapted.n:
            return replace(result, score=estimate, frozen_score=frozen_estimate)
        by, scores = ("labels", self._by_labels) if self._by_labels.adapted.n else ("teacher", self._by_teacher)
        compared = frozen is not None and scores.frozen.n > 0
        return replace(
            result,
            score=scores.adapted.score(by),
            frozen_score=scores.frozen.score(by) if compared else None,
            verdict=scores.paired.verdict() if compared else None,
        )

    def warm_up(self, learner: Learner, image: Image, times: int, *, compare: bool) -> None:
        """Predicts `times` times without showing it: the first predictions of a process are slow."""
        for _ in range(times):
            x = self._prepare.tensor(self._prepare.crop(image)).unsqueeze(0)
            learner.predict(x)
            if compare:
                self._frozen(x)


class Scores:
    """Running accuracy of both models, and their comparison."""

    def __init__(self) -> None:
        self.adapted, self.frozen, self.paired = Accuracy(), Accuracy(), Paired()

    def update(self, truth: int, adapted: int, frozen: int | None) -> None:
        """Counts one frame: its true class, and both predictions."""
        self.adapted.update(adapted == truth)
        if frozen is not None:
            self.frozen.update(frozen == truth)
            self.paired.update(truth, adapted == truth, frozen == truth)


def _array(logits: Tensor) -> NDArray[np.float32]:
    """[1, c] -> [c] on the CPU."""
    return logits[0].detach().float().cpu().numpy()
