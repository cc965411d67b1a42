"""Record a run frame by frame, for comparison with other runs over the same frames."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mgtta_cam.metrics.accuracy import wilson
from mgtta_cam.metrics.predictions import entropy
from mgtta_cam.replay.tape import Tape
from mgtta_cam.types import FrameResult


class RunCurve:
    """Collects a run's results; a sink like the others.

    Args:
        name: name of the run.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.right: list[bool | None] = []  # per frame; None: not labeled
        self.entropy: list[float | None] = []  # of each prediction, nats; None: unknown
        self.updates = self.skipped = 0
        self.events: Counter[str] = Counter()

    def write(self, result: FrameResult) -> None:
        """Add the next result."""
        label = result.frame.label
        self.right.append(None if label is None else result.top1 == label)
        self.entropy.append(entropy(result.logits))
        if result.update is not None:
            self.count_update(result.update.skipped)

    def count_update(self, skipped: str | None) -> None:
        """Count an update; `skipped` says why it left the model unchanged, None that it did not."""
        self.skipped += skipped is not None
        self.updates += skipped is None

    def emit(self, kind: str, **_: Any) -> None:
        """Count an event."""
        self.events[kind] += 1

    def close(self) -> None:
        """Do nothing: no resource is held."""

    def row(self) -> dict[str, Any]:
        """One row of a table, as plain JSON values: accuracy is a share, 0..1, with its 95 % Wilson interval."""
        known = [right for right in self.right if right is not None]
        entropies = [value for value in self.entropy if value is not None]
        low, high = wilson(sum(known), len(known))
        return {
            "run": self.name,
            "frames": len(self.right),
            "labeled": len(known),
            "top1": sum(known) / len(known) if known else None,
            "low": low if known else None,
            "high": high if known else None,
            "entropy": sum(entropies) / len(entropies) if entropies else None,
            "updates": self.updates,
            "updates_skipped": self.skipped,
            "alarms": self.events["guard"] + self.events["rollback"],
        }


def recorded_curves(tape: Tape) -> list[RunCurve]:
    """The curves recorded in the log: of the run and, if it ran, of the source model."""
    frozen, run = RunCurve("frozen"), RunCurve(f"recorded: {tape.header['spec']}")
    for _, frame, update in tape.logged_frames():
        truth = frame.get("truth")
        run.right.append(frame.get("ok"))
        run.entropy.append(frame["H"])
        if "frozen_top" in frame:
            frozen.right.append(None if truth is None else frame["frozen_top"][0][0] == truth)
            frozen.entropy.append(None)
        if update is not None:
            run.count_update(update["skipped"])
    run.events.update(tape.events)
    return [frozen, run] if len(frozen.right) == len(run.right) else [run]
