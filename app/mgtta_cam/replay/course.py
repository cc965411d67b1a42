"""What a run came to, frame by frame: to be laid beside other runs over the same frames."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mgtta_cam.metrics.accuracy import wilson
from mgtta_cam.metrics.predictions import entropy
from mgtta_cam.replay.tape import Tape
from mgtta_cam.types import FrameResult


class Course:
    """Takes results as they come; a sink like the others.

    Args:
        name: of the run.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.right: list[bool | None] = []  # each frame; None: not labeled
        self.doubt: list[float | None] = []  # nats: entropy of each answer; None: not known
        self.updates = self.skipped = 0
        self.events: Counter[str] = Counter()

    def write(self, result: FrameResult) -> None:
        """Takes the next result."""
        label = result.frame.label
        self.right.append(None if label is None else int(result.logits.argmax()) == label)
        self.doubt.append(entropy(result.logits))
        if result.update is not None:
            self.learned(result.update.skipped)

    def learned(self, skipped: str | None) -> None:
        """Counts an update; `skipped` says why it taught nothing."""
        self.skipped += skipped is not None
        self.updates += skipped is None

    def emit(self, kind: str, **_: Any) -> None:
        """Counts an event."""
        self.events[kind] += 1

    def close(self) -> None:
        """Nothing is held open."""

    def row(self) -> dict[str, Any]:
        """As one row of a table: plain JSON values; accuracy as a share, 0..1, with its 95 % Wilson interval."""
        known = [right for right in self.right if right is not None]
        doubts = [doubt for doubt in self.doubt if doubt is not None]
        low, high = wilson(sum(known), len(known))
        return {
            "run": self.name,
            "frames": len(self.right),
            "labeled": len(known),
            "top1": sum(known) / len(known) if known else None,
            "low": low if known else None,
            "high": high if known else None,
            "entropy": sum(doubts) / len(doubts) if doubts else None,
            "updates": self.updates,
            "updates_skipped": self.skipped,
            "alarms": self.events["guard"] + self.events["rollback"],
        }


def recorded(tape: Tape) -> list[Course]:
    """What the log says itself: of the source model, where it ran, and of the run."""
    frozen, run = Course("frozen"), Course(f"recorded: {tape.header['spec']}")
    for _, frame, update in tape.beats():
        truth = frame.get("truth")
        run.right.append(frame.get("ok"))
        run.doubt.append(frame["H"])
        if "frozen_top" in frame:
            frozen.right.append(None if truth is None else frame["frozen_top"][0][0] == truth)
            frozen.doubt.append(None)
        if update is not None:
            run.learned(update["skipped"])
    run.events.update(tape.events)
    return [frozen, run] if len(frozen.right) == len(run.right) else [run]
