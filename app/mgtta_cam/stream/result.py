"""The result of a frame for a caller's own code: predictions with class names."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgtta_cam.log.format import finite
from mgtta_cam.log.records import frame_record
from mgtta_cam.metrics import predictions
from mgtta_cam.types import FrameResult, Image, Score, Update


class Prediction:
    """One model's prediction.

    Args:
        logits: [c].
        classes: names by class index.
    """

    def __init__(self, logits: NDArray[np.float32], classes: Sequence[str]) -> None:
        self.logits, self._classes = logits, classes
        self.top1 = int(logits.argmax())

    @property
    def label(self) -> str:
        """Name of the most probable class."""
        return self._classes[self.top1]

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """Softmax over all classes, [c]; NaN where logits are not finite."""
        return predictions.probabilities(self.logits)

    @property
    def confidence(self) -> float:
        """Probability of the most probable class, 0..1."""
        return float(self.probabilities[self.top1])

    def top(self, k: int = 5) -> list[tuple[str, float]]:
        """The k most probable classes, most probable first: (name, probability)."""
        p = self.probabilities
        return [(self._classes[i], float(p[i])) for i in predictions.ranking(p, k)]


class Result:
    """A frame with its answer.

    Example: `for result in mgtta_cam.stream("video.mp4", model="demo"): print(result.label, result.confidence)`.
    """

    def __init__(self, result: FrameResult, classes: Sequence[str]) -> None:
        self._result, self._classes = result, classes
        self._adapted = Prediction(result.logits, classes)
        grabbed = result.frame.grabbed
        self._age_s = None if grabbed is None else time.monotonic() - grabbed
        self.frozen = None if result.frozen_logits is None else Prediction(result.frozen_logits, classes)

    def __repr__(self) -> str:
        return f"Result({self.index}, {self.label!r}, {self.confidence:.2f})"

    @property
    def index(self) -> int:
        """The frame's number in its source, from 0."""
        return self._result.frame.index

    @property
    def seconds(self) -> float:
        """Its media time since the start."""
        return self._result.frame.seconds

    @property
    def image(self) -> Image:
        """The frame as the model was given it, uint8 [h, w, 3] RGB, with its synthetic corruption."""
        return self._result.frame.image

    @property
    def top1(self) -> int:
        """Index of the most probable class."""
        return self._adapted.top1

    @property
    def label(self) -> str:
        """Name of the most probable class."""
        return self._adapted.label

    @property
    def confidence(self) -> float:
        """Its probability, 0..1."""
        return self._adapted.confidence

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Probabilities of all classes, [c]."""
        return self._adapted.probabilities

    def top(self, k: int = 5) -> list[tuple[str, float]]:
        """The k most probable classes, most probable first: (name, probability)."""
        return self._adapted.top(k)

    @property
    def truth(self) -> str | None:
        """Name of the true class, where the source has labels."""
        label = self._result.frame.label
        return None if label is None else self._classes[label]

    @property
    def score(self) -> Score | None:
        """Running accuracy of the adapted model: by labels, or by what stands for them (`score.by`)."""
        return self._result.score

    @property
    def update(self) -> Update | None:
        """The update that this frame completed; the next frame is answered by the model after it."""
        return self._result.update

    @property
    def rejected(self) -> str | None:
        """Why the model must not adapt on this frame: black, frozen, ...; it is answered all the same."""
        return self._result.frame.rejected

    @property
    def latency_ms(self) -> float:
        """From the frame's arrival at the pipeline to its answer."""
        return self._result.latency_ms

    def to_dict(self, topk: int = 5) -> dict[str, Any]:
        """The frame's line of the log (docs/log.md): plain JSON values, null in the place of NaN and Infinity."""
        record, _ = finite(frame_record(self._result, self._classes, topk, self._age_s))
        return {"type": "frame", **record}

    def to_supervision(self) -> Any:
        """`supervision.Classifications` of all classes.

        Raises:
            ImportError: if the package supervision is not installed.
        """
        try:
            import supervision  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise ImportError("to_supervision needs the package supervision: pip install supervision") from None
        class_id = np.arange(len(self._classes))
        return supervision.Classifications(class_id=class_id, confidence=self.probabilities.astype(np.float32))
