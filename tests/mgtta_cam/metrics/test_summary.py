"""The summary of a run."""

from __future__ import annotations

import json
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from mgtta_cam.metrics.summary import Summary, headline, table
from mgtta_cam.types import Frame, FrameResult, Update
from tests.mgtta_cam.clips import picture
from tests.mgtta_cam.log.test_log import result


def of(*results: FrameResult) -> Summary:
    """A summary of results that are a tenth of a second apart."""
    now = iter(i / 10 for i in range(10_000))
    summary = Summary(clock=lambda: next(now))
    for item in results:
        summary.write(item)
    return summary


def labeled(
    index: int, label: int, corruption: tuple[str, int] | None = None, frozen: int | None = None
) -> FrameResult:
    """A frame of this class; the adapted model predicts class 1, the frozen one `frozen`."""
    logits = None if frozen is None else np.eye(3, dtype=np.float32)[frozen]
    return result(frame=Frame(index, index / 10, picture(0), label, corruption), frozen_logits=logits)


def test_counts() -> None:
    """Frames, updates, skipped updates, drops, latency and rate."""
    facts = of(
        result(0, update=Update(1, (0,), {})),
        result(1, update=Update(2, (1,), {}, skipped="loss_not_finite")),
        result(frame=Frame(5, 0.5, picture(0), dropped={"slot": 3})),
    ).facts()
    assert (facts["frames"], facts["updates"], facts["updates_skipped"]) == (3, 1, 1)
    assert facts["dropped"] == {"slot": 3}
    assert facts["latency_ms"]["p50"] == pytest.approx(5.0, rel=0.01)
    assert facts["fps"] == pytest.approx(3 / 0.205, rel=0.01)


def test_accuracy_by_corruption() -> None:
    """Accuracies and intervals are given by corruption and overall."""
    fog = ("fog", 4)
    facts = of(labeled(0, 1, None, 1), labeled(1, 0, None, 1), labeled(2, 1, fog, 0), labeled(3, 1, fog, 1)).facts()
    assert [(row["corruption"], row["severity"]) for row in facts["by_corruption"]] == [("clean", 0), ("fog", 4)]
    clean, foggy = facts["by_corruption"]
    assert (clean["adapted"]["top1"], clean["frozen"]["top1"]) == (0.5, 0.5)
    assert (foggy["adapted"]["top1"], foggy["frozen"]["top1"]) == (1.0, 0.5)
    overall = facts["accuracy"]["adapted"]
    assert (overall["n"], overall["correct"]) == (4, 3)
    assert 0 <= overall["low"] < 0.75 < overall["high"] <= 1


def test_it_is_strict_json() -> None:
    """The facts can go to stdout and into the log as they are."""
    assert json.loads(json.dumps(of(labeled(0, 1)).facts(), allow_nan=False))["frames"] == 1


def printed(summary: Summary) -> str:
    """The table as printed."""
    console = Console(file=StringIO(), width=160)
    console.print(table(summary.facts()))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_table() -> None:
    """The table has frozen, adapted and the gain in points, by corruption and overall."""
    text = printed(of(labeled(0, 1, ("fog", 4), 0), labeled(1, 1, ("snow", 2), 1)))
    fog = next(line for line in text.splitlines() if "fog:4" in line)
    assert "0.0 %" in fog
    assert "100.0 %" in fog
    assert "+100.0" in fog
    assert "+50.0" in next(line for line in text.splitlines() if "all" in line)


def test_the_table_without_a_frozen_model() -> None:
    """A model that did not run has no column."""
    text = printed(of(labeled(0, 1)))
    assert "frozen" not in text
    assert "gain" not in text


def test_the_headline() -> None:
    """One line lists what happened, and leaves out what did not."""
    line = headline(of(result(0), result(1)).facts())
    assert line.startswith("2 frames, ")
    assert "0 updates" in line
    assert "dropped" not in line
    assert headline(of().facts()) == "0 frames, 0 updates"
