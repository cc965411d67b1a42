"""The summary of a run: counts, rates, latency, and accuracy with its interval, overall and by corruption."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple
from typing import Any

from rich.table import Table

from mgtta_cam.metrics.accuracy import Tally, wilson
from mgtta_cam.metrics.latency import Percentiles
from mgtta_cam.types import FrameResult, Score, Verdict


class Summary:
    """Summarizes the results of a run; a sink like the others.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.frames = self.updates = self.skipped = 0
        self._clock = clock
        self._began: float | None = None
        self._latest = 0.0
        self._latency, self._ages = Percentiles(), Percentiles()
        self._tallies: dict[tuple[str, int], Tally] = {}  # by corruption and severity, in order of appearance
        self._agreement = Tally()
        self._estimate: Score | None = None
        self._frozen_estimate: Score | None = None
        self._verdict: Verdict | None = None
        self._dropped: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()

    def write(self, result: FrameResult) -> None:
        """Counts one result."""
        self._latest = self._clock()
        if self._began is None:
            self._began = self._latest - result.latency_ms / 1000
        self.frames += 1
        self._dropped.update(result.frame.dropped)
        self._rejected.update([result.frame.rejected] if result.frame.rejected else [])
        self._latency.update(result.latency_ms)
        if result.frame.grabbed is not None:
            self._ages.update(max(0.0, self._latest - result.frame.grabbed) * 1000)
        if result.update is not None:
            nothing = result.update.skipped is not None
            self.skipped += nothing
            self.updates += not nothing
        self._verdict = result.verdict or self._verdict
        self._estimate = result.estimate or self._estimate
        self._frozen_estimate = result.frozen_estimate or self._frozen_estimate
        if result.teacher is not None:
            _count(self._agreement, result, result.teacher)
        if result.frame.label is not None:
            corruption = result.frame.corruption or ("clean", 0)
            _count(self._tallies.setdefault(corruption, Tally()), result, result.frame.label)

    def close(self) -> None:
        """Nothing is held open."""

    def facts(self) -> dict[str, Any]:
        """Returns the summary as plain JSON values; accuracies are in 0..1, with 95 % Wilson intervals."""
        seconds = self._latest - self._began if self._began is not None else 0.0
        return {
            "frames": self.frames,
            "seconds": round(seconds, 3),
            "fps": round(self.frames / seconds, 2) if seconds > 0 else None,
            "updates": self.updates,
            "updates_skipped": self.skipped,
            "dropped": dict(self._dropped),
            "refused": dict(self._rejected),
            "latency_ms": _percentiles(self._latency),
            "age_ms": _percentiles(self._ages),
            "accuracy": _accuracies(*self._tallies.values()),
            "agreement": _accuracies(self._agreement),
            "estimate": {
                "adapted": _overall(self._estimate),
                "frozen": _overall(self._frozen_estimate),
            },
            "verdict": None if self._verdict is None else asdict(self._verdict),
            "by_corruption": [
                {"corruption": name, "severity": severity, **_accuracies(tally)}
                for (name, severity), tally in self._tallies.items()
            ],
        }


def table(facts: Mapping[str, Any]) -> Table:
    """Makes a table of both models' accuracy, by corruption if there is more than one."""
    compared = facts["accuracy"]["frozen"] is not None
    grid = Table()
    for heading in (
        "corruption",
        "frames",
        *(["frozen"] if compared else []),
        "adapted",
        *(["gain"] if compared else []),
    ):
        grid.add_column(heading, justify="left" if heading == "corruption" else "right")
    rows = [(_name(row), row) for row in facts["by_corruption"]]
    if len(rows) > 1:
        rows.append(("all", facts["accuracy"]))
    for at, (name, row) in enumerate(rows):
        adapted, frozen = row["adapted"], row["frozen"]
        cells = [name, str(adapted["n"])]
        cells += [_percent(frozen)] if compared else []
        cells += [_percent(adapted)]
        cells += [_gain(frozen, adapted)] if compared else []
        grid.add_row(*cells, end_section=at == len(rows) - 2)
    return grid


def headline(facts: Mapping[str, Any]) -> str:
    """Returns one line: frames, rate, latency, updates, drops."""
    latency = facts["latency_ms"]
    parts = [f"{facts['frames']} frames"]
    if facts["fps"]:
        parts.append(f"{facts['fps']:.1f} fps")
    if latency["p50"] is not None:
        parts.append("prediction latency {p50:.0f} ms (p95 {p95:.0f}, p99 {p99:.0f})".format(**latency))
    if facts["age_ms"]["p50"] is not None:
        parts.append("age when shown {p50:.0f} ms (p95 {p95:.0f}, p99 {p99:.0f})".format(**facts["age_ms"]))
    parts.append(f"{facts['updates']} updates")
    if facts["updates_skipped"]:
        parts.append(f"{facts['updates_skipped']} skipped")
    parts += [f"{count} dropped ({cause})" for cause, count in facts["dropped"].items()]
    parts += [f"{count} rejected ({why})" for why, count in facts["refused"].items()]
    return ", ".join(parts)


def together(summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Combines the summaries of several streams: all of them, and their total frames and frames per second."""
    frames = sum(facts["frames"] for facts in summaries)
    seconds = max(facts["seconds"] for facts in summaries)
    return {
        "frames": frames,
        "seconds": seconds,
        "fps": round(frames / seconds, 2) if seconds > 0 else 0.0,
        "exit_code": next((facts["exit_code"] for facts in summaries if facts["exit_code"]), 0),
        "streams": list(summaries),
    }


def _name(row: dict[str, Any]) -> str:
    return f"{row['corruption']}:{row['severity']}" if row["severity"] else row["corruption"]


def _count(tally: Tally, result: FrameResult, truth: int) -> None:
    tally.update(result.top1 == truth, None if result.frozen_top1 is None else result.frozen_top1 == truth)


def _accuracies(*tallies: Tally) -> dict[str, Any]:
    """Sums tallies up to the accuracy of each model."""
    n, adapted, compared, frozen = (sum(column) for column in zip((0,) * 4, *map(astuple, tallies), strict=True))
    return {"adapted": _accuracy(adapted, n), "frozen": _accuracy(frozen, compared)}


def _accuracy(correct: int, n: int) -> dict[str, Any] | None:
    if not n:
        return None
    low, high = wilson(correct, n)
    return {"n": n, "correct": correct, "top1": correct / n, "low": low, "high": high}


def _overall(score: Score | None) -> float | None:
    return None if score is None else round(score.overall, 4)


def _percent(accuracy: dict[str, Any] | None) -> str:
    if accuracy is None:
        return "-"
    return f"{100 * accuracy['top1']:.1f} % [{100 * accuracy['low']:.1f}, {100 * accuracy['high']:.1f}]"


def _gain(frozen: dict[str, Any] | None, adapted: dict[str, Any]) -> str:
    """Returns the gain in points; empty if the two models did not classify the same frames."""
    if frozen is None or frozen["n"] != adapted["n"]:
        return ""
    return f"{100 * (adapted['top1'] - frozen['top1']):+.1f}"


def _percentiles(values: Percentiles) -> dict[str, float | None]:
    return {f"p{q}": None if (value := values.at(q)) is None else round(value, 2) for q in (50, 95, 99)}
