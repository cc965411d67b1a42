"""Writing the log and reading it back."""

from __future__ import annotations

import json
import math
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgtta_cam.errors import OutputError
from mgtta_cam.log.format import finite, read
from mgtta_cam.log.writer import LogSink
from mgtta_cam.metrics.predictions import entropy, top
from mgtta_cam.types import Frame, FrameResult, Update
from tests.mgtta_cam.clips import frames, picture

CLASSES = ("mug", "chair", "lamp")


def result(index: int = 0, **values: Any) -> FrameResult:
    """A plain result whose top class is the chair."""
    facts: dict[str, Any] = {
        "frame": frames(index + 1)[index],
        "logits": np.array([0.0, 2.0, 1.0], np.float32),
        "latency_ms": 5.0,
        "method": "tent",
        "digest": f"d{index}",
        "ms": {"infer": 5.0},
    }
    return FrameResult(**(facts | values))


def ticking(step: float = 0.001) -> Iterator[float]:
    """A clock that advances."""
    return (i * step for i in range(1_000_000))


def log(path: Path, *results: FrameResult, step: float = 0.001) -> list[dict[str, Any]]:
    """Writes results and reads the records back."""
    clock = ticking(step)
    sink = LogSink(path, {"run": "x"}, CLASSES, topk=2, clock=lambda: next(clock))
    for item in results:
        sink.write(item)
    sink.event("key", key="q")
    sink.finish({"frames": len(results)})
    sink.close()
    return list(read(path))


def test_a_packed_log(tmp_path: Path) -> None:
    """A compressed log has the same records, is written line by line, and is readable up to where it breaks off."""
    results = [result(i) for i in range(200)]
    plain, packed = (log(tmp_path / name, *results)[1:-2] for name in ("a.jsonl", "a.jsonl.gz"))
    assert plain == packed
    data = (tmp_path / "a.jsonl.gz").read_bytes()
    assert len(data) < (tmp_path / "a.jsonl").stat().st_size / 3
    (tmp_path / "torn.jsonl.gz").write_bytes(data[: len(data) // 2])
    torn = list(read(tmp_path / "torn.jsonl.gz"))[1:]
    assert torn == plain[: len(torn)]
    assert len(torn) > 50
    sink = LogSink(tmp_path / "b.jsonl.gz", {}, CLASSES)
    sink.write(result())
    assert [record["type"] for record in read(tmp_path / "b.jsonl.gz")] == ["header", "frame"]  # as after a kill
    sink.close()


def test_records_in_order(tmp_path: Path) -> None:
    """The header is first, the summary last, with one frame record per result; each has version, time and type."""
    records = log(tmp_path / "a.jsonl", result(0), result(1))
    assert [r["type"] for r in records] == ["header", "frame", "frame", "event", "stats", "summary"]
    assert all(r["v"] == 1 and r["t"] >= 0 for r in records)
    assert records[0]["run"] == "x"


def test_a_frame(tmp_path: Path) -> None:
    """A frame record has every key of the interface."""
    frame = Frame(7, 0.35, picture(7), label=1, corruption=("fog", 4), dropped={"slot": 2})
    frozen = np.array([3.0, 0.0, 0.0], np.float32)
    [record] = [r for r in log(tmp_path / "a.jsonl", result(frame=frame, frozen_logits=frozen)) if r["type"] == "frame"]
    assert (record["i"], record["pts_ms"], record["age_ms"]) == (7, 350.0, None)
    assert record["dropped_before"] == {"slot": 2}
    assert record["corr"] == {"name": "fog", "severity": 4}
    assert [name for name, _ in record["top"]] == ["chair", "lamp"]
    assert record["top"][0][1] == pytest.approx(math.exp(2) / (1 + math.e + math.exp(2)), abs=1e-3)
    assert record["frozen_top"][0][0] == "mug"
    assert (record["truth"], record["ok"]) == ("chair", True)
    assert record["in"] == "d0"


def test_an_update(tmp_path: Path) -> None:
    """An update record has every key of the interface, and all loss terms."""
    stats = {"entropy": 1.5, "discrepancy": 0.5, "gradient_norm": 3.0, "update_norm": 0.1, "distance": 0.2, "lr": 0.001}
    [record] = [
        r for r in log(tmp_path / "a.jsonl", result(update=Update(4, (5, 6), stats, "p"))) if r["type"] == "update"
    ]
    assert (record["n"], record["frames"], record["params"], record["skipped"]) == (4, [5, 6], "p", None)
    assert record["loss"] == {"entropy": 1.5, "discrepancy": 0.5}
    assert (record["gnorm"], record["dnorm"], record["lr"]) == (3.0, 0.2, 0.001)


def test_a_skipped_update(tmp_path: Path) -> None:
    """The record gives the reason."""
    update = Update(1, (0,), {}, skipped="window_too_small")
    records = log(tmp_path / "a.jsonl", result(update=update))
    assert next(r for r in records if r["type"] == "update")["skipped"] == "window_too_small"


def test_the_age_of_live_frames(tmp_path: Path) -> None:
    """Age counts from the time a live frame was grabbed."""
    records = log(tmp_path / "a.jsonl", result(frame=Frame(0, 0.0, picture(0), grabbed=0.0)))
    assert records[1]["age_ms"] == pytest.approx(2.0, abs=1.1)


def test_the_chain_tells_histories_apart(tmp_path: Path) -> None:
    """Equal inputs and updates give equal chains; another order or update changes the chain."""
    update = Update(1, (0,), {}, "p")
    one, same, swapped, other = (
        log(tmp_path / f"{i}.jsonl", *results)[-1]["chain"]
        for i, results in enumerate(
            [
                (result(0), result(1, update=update)),
                (result(0), result(1, update=update)),
                (result(1, update=update), result(0)),
                (result(0), result(1, update=Update(1, (0,), {}, "q"))),
            ]
        )
    )
    assert one == same
    assert len({one, swapped, other}) == 3


def test_stats_each_second(tmp_path: Path) -> None:
    """Rates, percentiles and drops are logged once per second and at the end."""
    dropping = Frame(3, 0.1, picture(0), dropped={"slot": 1})
    records = log(tmp_path / "a.jsonl", *[result(i) for i in range(3)], result(frame=dropping), step=0.1)
    stats = [r for r in records if r["type"] == "stats"]
    assert len(stats) >= 2
    assert stats[-1]["dropped"] == {"slot": 1}
    assert stats[-1]["fps"]["out"] > 0
    assert stats[-1]["fps"]["in"] > stats[-1]["fps"]["out"]
    assert stats[-1]["ms"]["infer"]["p95"] == pytest.approx(5.0, rel=0.01)
    assert stats[-1]["memory_mb"] > 0


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    """A log that was cut off anywhere is readable up to its last complete line."""
    path = tmp_path / "a.jsonl"
    whole = log(path, result(0), result(1))
    data = path.read_bytes()
    last_line = data.rstrip(b"\n").rindex(b"\n") + 1
    for cut in range(last_line + 1, len(data) - 1, 7):
        path.write_bytes(data[:cut])
        assert list(read(path)) == whole[:-1]


def test_a_damaged_line_inside_is_reported(tmp_path: Path) -> None:
    """Damage that is not at the end is an error."""
    path = tmp_path / "a.jsonl"
    log(path, result(0))
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], "{", *lines[2:]]), encoding="utf-8")
    with pytest.raises(ValueError, match="line 2"):
        list(read(path))


def test_another_version_is_an_error(tmp_path: Path) -> None:
    """A log with a later schema is an error."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"v": 99, "type": "header"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="of version 99; this program reads 1"):
        list(read(path))


def test_lines_are_there_before_the_end(tmp_path: Path) -> None:
    """Each line is flushed, so a killed process loses nothing that was written."""
    path = tmp_path / "a.jsonl"
    sink = LogSink(path, {}, CLASSES)
    sink.write(result(0))
    assert [r["type"] for r in read(path)] == ["header", "frame"]
    sink.close()


def test_non_finite_numbers_become_null(tmp_path: Path) -> None:
    """The file never contains NaN and Infinity; the record lists where they were."""
    path = tmp_path / "a.jsonl"
    update = Update(1, (0,), {"entropy": math.nan, "gradient_norm": math.inf})
    bad = result(logits=np.array([np.nan, 1, 2], np.float32), update=update)
    records = log(path, bad)
    text = path.read_text(encoding="utf-8")
    assert "NaN" not in text
    assert "Infinity" not in text
    assert records[1]["H"] is None
    assert "H" in records[1]["nonfinite"]
    assert records[2]["nonfinite"] == ["loss.entropy", "gnorm"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_finite_gives_strict_json(value: Any) -> None:
    """Any record becomes strict JSON, with as many new nulls as places listed."""
    cleaned, places = finite(value)
    text = json.dumps(cleaned, allow_nan=False)
    assert text.count("null") >= len(places)


def test_entropy_and_top() -> None:
    """Uniform logits have entropy ln 3; ties keep the order of the classes."""
    assert entropy(np.zeros(3, np.float32)) == pytest.approx(math.log(3))
    assert [name for name, _ in top(np.zeros(3, np.float32), CLASSES, 2)] == ["mug", "chair"]


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
def test_a_disk_that_fills_up(tmp_path: Path, name: str) -> None:
    """Every attempt to write, including the last, raises the same error."""
    log = LogSink(tmp_path / name, {}, CLASSES)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        for act in (lambda: [log.event("noise", digest=os.urandom(40).hex()) for _ in range(10_000)], log.close):
            with pytest.raises(OutputError, match="cannot be written"):
                act()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    log.close()


def test_an_unwritable_log_is_reported(tmp_path: Path) -> None:
    """The message for a missing folder names the option."""
    with pytest.raises(OutputError, match="--log"):
        LogSink(tmp_path / "gone" / "a.jsonl", {}, CLASSES)
