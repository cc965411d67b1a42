"""Expectations of a run, for CI: `--expect-accuracy ">=0.8"`, `--expect-no-event guard`."""

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
ALARMS = ("guard", "rollback")  # `guard` stands for both
KINDS = (
    *("open", "stall", "lost", "retry", "reconnect", "missing", "corrupt-read", "shape-change", "refused", "chaos"),
    *("cut", "corruption-change", *ALARMS, "reset", "undo", "method", "method-unavailable"),
    *("key", "snapshot", "headless", "web-mistake", "export", "runtime"),
)  # kinds of events that a log may have


@dataclass(frozen=True, slots=True)
class Expectations:
    """Bounds that a run must keep."""

    accuracy: str | None = None
    no_events: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.accuracy is not None:
            _parsed(self.accuracy)
        if unknown := [kind for kind in self.no_events if kind not in KINDS]:
            raise UsageError(f"--expect-no-event: unknown event {unknown[0]!r}; known: {', '.join(KINDS)}")

    def broken(self, name: str, accuracy: Mapping[str, Any] | None, events: Mapping[str, int]) -> Iterator[str]:
        """Describe each expectation that a run did not meet.

        Args:
            name: name of the run.
            accuracy: `n`, `top1`, `low`, `high`, as in a log's summary; None if no frame was labeled.
            events: number of events by kind.
        """
        if self.accuracy is not None:
            sign, bound = _parsed(self.accuracy)
            if accuracy is None:
                yield f"{name}: expected accuracy {self.accuracy}, but no frame is labeled: record with --truth"
            elif not _COMPARE[sign](accuracy["top1"], bound):
                yield (
                    f"{name}: expected accuracy {self.accuracy}, got {accuracy['top1']:.4f} (95 %: "
                    f"{accuracy['low']:.4f} to {accuracy['high']:.4f})"
                )
        for kind in self.no_events:
            kinds: Sequence[str] = ALARMS if kind == "guard" else (kind,)
            if count := sum(events.get(one, 0) for one in kinds):
                yield f"{name}: expected no {kind} event, got {count}"


def _parsed(text: str) -> tuple[str, float]:
    match = _BOUND.fullmatch(text)
    bound = float(match[2]) / (100 if match[3] else 1) if match else 2.0
    if match is None or bound > 1:
        raise UsageError(f'--expect-accuracy expects a bound such as ">=0.8" or ">=80%"; got {text!r}')
    return match[1], bound
