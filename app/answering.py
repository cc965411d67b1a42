"""From a frame to its answer: the same for a stream and for its log."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from app.digests import digest
from app.metrics import Accuracy, Rate
from app.teaching import Learner
from app.types import Frame, FrameResult, Image
from mgtta.losses import as_logits


@dataclass(frozen=True, slots=True)
class Input:
    """From a frame's image to the model's input."""

    crop: Callable[[Image], Image]  # uint8 [h, w, 3] -> uint8 [s, s, 3]
    tensor: Callable[[Image], Tensor]  # the crop -> [3, s, s] where the model is


class Answering:
    """Answers frames one at a time, and keeps the score.

    Args:
        prepare: pixels to tensor.
        frozen: [1, 3, s, s] -> logits [1, c] of the source model.
        clock: seconds.
    """

    def __init__(
        self, prepare: Input, frozen: Callable[[Tensor], Tensor], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._prepare, self._frozen, self._clock = prepare, frozen, clock
        self._rate, self._adapted_score, self._frozen_score = Rate(), Accuracy(), Accuracy()

    def __call__(self, learner: Learner, method: str, frame: Frame, *, compare: bool) -> tuple[FrameResult, Tensor]:
        """The answer of a learner, beside that of the source model where they are compared; and the input [3, s, s]."""
        began = self._clock()
        crop = self._prepare.crop(frame.image)
        x = self._prepare.tensor(crop)
        prepared = self._clock()
        logits = _array(as_logits(learner.predict(x.unsqueeze(0)), learner.probabilities))
        answered = self._clock()
        frozen_logits = _array(self._frozen(x.unsqueeze(0))) if compare else None
        compared = self._clock()
        ms = {
            "prep": (prepared - began) * 1000,
            "infer": (answered - prepared) * 1000,
            "frozen": (compared - answered) * 1000,
        }
        if frame.label is not None:
            self._adapted_score.update(int(logits.argmax()) == frame.label)
            if frozen_logits is not None:
                self._frozen_score.update(int(frozen_logits.argmax()) == frame.label)
        result = FrameResult(
            frame,
            logits,
            latency_ms=(answered - began) * 1000,
            method=method,
            updates=learner.updates,
            frozen_logits=frozen_logits,
            score=self._adapted_score.score(),
            frozen_score=self._frozen_score.score() if frozen_logits is not None else None,
            fps=self._rate.update(answered),
            crop=crop,
            digest=digest(crop),
            ms={**frame.ms, **ms},
        )
        return result, x

    def warm_up(self, learner: Learner, image: Image, times: int, *, compare: bool) -> None:
        """Answers that nobody sees: those of a new process are slow."""
        for _ in range(times):
            x = self._prepare.tensor(self._prepare.crop(image)).unsqueeze(0)
            learner.predict(x)
            if compare:
                self._frozen(x)


def _array(logits: Tensor) -> NDArray[np.float32]:
    """[1, c] -> [c] on the CPU."""
    return logits[0].detach().float().cpu().numpy()
