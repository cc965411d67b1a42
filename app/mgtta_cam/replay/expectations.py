"""What a user's CI expects of a run: `--expect-accuracy ">=0.8"`, `--expect-no-event guard`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mgtta_cam.errors import UsageError

_BOUND = re.compile(r"\s*(>=|<=|>|<)\s*(\d+(?:\.\d*)?|\.\d+)\s*(%?)\s*")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt
}  # fmt: skip
ALARMS = ("guard", "rollback")  # both are meant by `guard`
KINDS = (
    *("open", "stall", "lost", "retry", "reconnect", "missing", "corrupt-read", "shape-change", "refused", "chaos"),
    *("cut", "corruption-change", *ALARMS, "reset", "undo", "method", "method-unavailable"),
    *("key", "snapshot", "headless", "web-mistake", "export", "runtime"),
)  # events that a log may have


@dataclass(frozen=True, slots=True)
class Expectations:
    """Bounds that a run has to keep."""

    accuracy: str | None = None
    no_events: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.accuracy is not None:
            _parsed(self.accuracy)
        if unknown := [kind for kind in self.no_events if kind not in KINDS]:
            raise UsageError(f"--expect-no-event: there are no events {unknown[0]!r}; known: {', '.join(KINDS)}")

    def broken(self, name: str, accuracy: Mapping[str, Any] | None, events: Mapping[str, int]) -> Iterator[str]:
        """What a run of that name did not keep, in words.

        Args:
            name: of the run.
            accuracy: `n`, `top1`, `low`, `high`, as in a log's summary; None where no frame was labeled.
            events: how often each kind happened.
        """
        if self.accuracy is not None:
            sign, bound = _parsed(self.accuracy)
            if accuracy is None:
                yield f"{name}: accuracy {self.accuracy} was expected, and no frame is labeled: record with --truth"
            elif not _COMPARE[sign](accuracy["top1"], bound):
                yield (
                    f"{name}: accuracy {self.accuracy} was expected; it is {accuracy['top1']:.4f} (95 %: "
                    f"{accuracy['low']:.4f} to {accuracy['high']:.4f})"
                )
        for kind in self.no_events:
            kinds: Sequence[str] = ALARMS if kind == "guard" else (kind,)
            if count := sum(events.get(one, 0) for one in kinds):
                yield f"{name}: no event {kind} was expected; there were {count}"


def _parsed(text: str) -> tuple[str, float]:
    match = _BOUND.fullmatch(text)
    bound = float(match[2]) / (100 if match[3] else 1) if match else 2.0
    if match is None or bound > 1:
        raise UsageError(f'--expect-accuracy expects a bound such as ">=0.8" or ">=80%"; got {text!r}')
    return match[1], bound
