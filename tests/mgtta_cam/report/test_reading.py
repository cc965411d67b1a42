"""Logs as arrays: whole, torn, packed, damaged."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from mgtta_cam.errors import UsageError
from mgtta_cam.metrics.accuracy import running_mean
from mgtta_cam.report.columns import number
from mgtta_cam.report.reading import load
from mgtta_cam.report.series import grouped, reliability, share, shares, stretches, thinned
from tests.mgtta_cam.report.logs import event, frame, header, labeled, summary, update, write


def test_a_log(tmp_path: Path) -> None:
    """Frames, updates, events and stats, in order."""
    run = load(labeled(tmp_path / "a.jsonl"))
    assert (len(run.frames), len(run.updates), len(run.events)) == (100, 10, 1)
    assert (run.classes, run.corruptions) == (("mug", "hat"), ("clean", "shot_noise:5"))
    assert run.frames.corruption.tolist() == [0] * 50 + [1] * 50
    assert run.frames.digest[7] == 7
    assert run.updates.corruption.tolist() == [0] * 5 + [1] * 5
    assert run.stats["ms.infer.p99"].tolist() == [12.0] * 10
    assert [(row.name, row.n, row.frozen, row.adapted) for row in shares(run)] == [
        ("clean", 50, 1.0, 1.0),
        ("shot_noise:5", 50, 0.0, 1.0),
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_torn_log(tmp_path: Path, name: str) -> None:
    """A log torn by a kill: everything but the last line is read."""
    whole = write(tmp_path / "whole", header(), frame(0), frame(1), torn='{"v":1,"t":0.2,"ty').read_bytes()
    (tmp_path / name).write_bytes(gzip.compress(whole)[:-12] if name.endswith("gz") else whole)
    run = load(tmp_path / name)
    assert len(run.frames) <= 2
    assert run.summary is None


def test_damage(tmp_path: Path) -> None:
    """The error says on one line which file, which line, and what was expected."""
    good = write(tmp_path / "good", header(), frame(0)).read_text(encoding="utf-8")
    cases = {
        "": "is empty",
        '{"v":1,': "is empty or its first line is incomplete",
        good + "{\n" + good: "line 3 is not a log record",
        good.split("\n")[1]: "line 1 is damaged",
        good.replace('"mug"', "{}", 1).replace('"top"', '"tip"'): "line 2 is damaged",
        good.replace('"i": 0', '"i": "x"'): "line 2 is damaged",
        good + good: "line 3 is damaged",
        "[" * 100_000 + "\n\n": "damaged",
        "no log\n" * 3: "line 1 is not a log record",
    }
    for text, words in cases.items():
        (tmp_path / "a.jsonl").write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match=r"a\.jsonl.*expected a log written by --log") as error:
            load(tmp_path / "a.jsonl")
        assert words in str(error.value)
    with pytest.raises(UsageError, match="no such file"):
        load(tmp_path / "absent.jsonl")
    (tmp_path / "b.jsonl.gz").write_bytes(b"not packed")
    with pytest.raises(UsageError, match="not a gzipped file"):
        load(tmp_path / "b.jsonl.gz")


def test_where_tensors_are(tmp_path: Path) -> None:
    """A skipped update leaves the tensors alone, an undone one restores them; otherwise they are unknown."""
    same, other = "a" * 16, "b" * 16
    updates = [
        update(1, skipped="sure", dnorm=0.0, params="0" * 16),
        update(2, [1.0] * 6, params=same),
        update(3, skipped="alike", params=same),
        update(4, [2.0] * 6, params=other),
        update(5, skipped="guard", params=same),
        update(6, skipped="guard", params="c" * 16),
    ]
    moved = load(write(tmp_path / "a.jsonl", header(), *updates)).updates.moved[:, 0]
    np.testing.assert_array_equal(moved, [0, 1, 1, 2, 1, np.nan])


def test_tensors_without_names(tmp_path: Path) -> None:
    """Distances without tensor names are ignored."""
    run = load(write(tmp_path / "a.jsonl", header(adapted=["norm.weight"]), update(1, [1.0] * 6)))
    assert np.isnan(run.updates.moved).all()


def test_another_method(tmp_path: Path) -> None:
    """A new method may adapt other tensors: each has its own column, unknown while it is not adapted."""
    change = event(1.5, "method", method="tent", updates=0, adapted=["blocks.5.norm1.weight", "head.bias"])
    run = load(write(tmp_path / "a.jsonl", header(), update(1, [1.0] * 6), change, update(2, [3.0, 4.0])))
    assert run.updates.tensors[-1] == "head.bias"
    np.testing.assert_array_equal(run.updates.moved[0], [1, 1, 1, 1, 1, 1, np.nan])
    np.testing.assert_array_equal(run.updates.moved[1], [*[np.nan] * 5, 3, 4])


def test_numbers_that_are_none(tmp_path: Path) -> None:
    """Null, text and absurd values are not measurements."""
    assert all(math.isnan(number(value)) for value in (None, "1", True, math.nan, math.inf, 1e300, [1]))
    run = load(write(tmp_path / "a.jsonl", header(), frame(0, H=None, ms={}), summary(1.0)))
    assert np.isnan(run.frames.entropy[0])
    assert np.isnan(run.frames.infer_ms[0])


def test_curves() -> None:
    """Running means ignore unknown values; thinned curves keep the mean; stretches cover everything."""
    np.testing.assert_allclose(running_mean(np.array([1.0, np.nan, 3.0, 5.0]), 2), [1.0, 1.0, 3.0, 4.0])
    (thin,) = thinned(np.arange(1000.0), most=10)
    np.testing.assert_allclose(thin, np.arange(10) * 100 + 49.5)
    np.testing.assert_allclose(grouped(np.array([1.0, 7.0, np.nan, np.nan]), np.max, 2), [7.0, np.nan])
    assert stretches(np.array([0, 0, 2, 0])) == [(0, 2, 0), (2, 3, 2), (3, 4, 0)]
    assert stretches(np.array([], int)) == []


def test_calibration_is_that_of_the_run() -> None:
    """The calibration error equals that of the run itself."""
    from mgtta_cam.metrics.calibration import Calibration

    rng = np.random.default_rng(0)
    p, right = rng.random(500), rng.random(500) < 0.5
    known = Calibration()
    for one, correct in zip(p, right, strict=True):
        known.update(float(one), bool(correct))
    found = reliability(p, right)
    assert found is not None
    assert found.ece == pytest.approx(known.ece())
    assert reliability(p[:0], right[:0]) is None


def test_no_frames(tmp_path: Path) -> None:
    """Shares of nothing are unknown."""
    assert math.isnan(share(load(write(tmp_path / "a.jsonl", header())), "all").adapted)
