"""`mgtta-cam bench --speed`: what it measures, and that its figures come from this run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mgtta import METHODS
from mgtta_cam.bench.speed import run as speed
from mgtta_cam.bench.speed import streams
from mgtta_cam.bench.speed.timing import in_turns, timing
from tests.mgtta_cam.conftest import Command


def test_turns() -> None:
    """After one untimed round, all acts run in the same order, for at least the requested number of rounds."""
    calls: list[str] = []
    times = in_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 0.0, least=3)
    assert "".join(calls) == "abababab"
    assert [len(ms) for ms in times.values()] == [3, 3]
    row = timing("a", [1.0, 2.0, 3.0, 4.0, 100.0], "torch", "fp32", 8)
    assert (row.median_ms, row.spread_ms, row.rounds) == (3.0, 2.0, 5)


def test_ratios() -> None:
    """Ratios are of medians of this run; None if a part is missing."""
    rows = [
        timing("frozen forward", [20.0], "torch", "fp32", 1),
        timing("frozen forward", [10.0], "onnx", "fp32", 1),
        timing("frozen forward", [100.0], "torch", "fp32", 64),
        timing("frozen forward", [90.0], "onnx", "fp32", 64),
        timing("adapted step", [210.0], "torch", "fp32", 64),
        timing("generator and update", [2.1], "torch", "fp32", 64),
        timing("adapted step", [50.0], "torch", "bf16", 64),
        timing("end to end 720p", [12.5], "onnx", "fp32"),
    ]
    assert speed.ratios(rows, {"none": 4.0, "background": 5.0}, "fp32") == {
        "adapted_over_frozen_b64": 2.1,
        "onnx_over_torch_b1": 2.0,
        "generator_share_of_step": 0.01,
        "end_to_end_over_model": 0.8,
        "answer_p99_background_over_none": 1.25,
    }
    assert set(speed.ratios([], {}, "fp32").values()) == {None}


def test_the_command(command: Command, ready: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """All parts are shown as a table and as JSON; an existing file is not replaced."""
    monkeypatch.setattr(speed, "SECONDS", 0.0)
    monkeypatch.setattr(streams, "FRAMES", 4)
    monkeypatch.setattr(streams, "SIZES", {"224": (224, 224), "720p": (320, 180)})
    words = ["bench", "--speed", *ready[2:6], "--json", "speed.json"]
    ended = command(*words)
    assert ended.code == 0, ended.err
    found = json.loads(Path("speed.json").read_text(encoding="utf-8"))
    parts = {(row["what"], row["runtime"], row["batch"]) for row in found["rows"]}
    assert {(f"method {name}", "torch", 64) for name in METHODS} <= parts
    assert {("frozen forward", runtime, batch) for runtime in ("torch", "onnx") for batch in (1, 8, 64)} <= parts
    assert {(row["runtime"], row["precision"]) for row in found["rows"] if row["what"] == "adapted step"} == {
        ("torch", "fp32"), ("torch", "bf16")
    }  # fmt: skip
    assert {("adapted step", "torch", 64), ("end to end 720p", "torch", 1), ("fog 224", "-", 1)} <= parts
    assert found["ratios"].keys() == speed.RATIOS.keys()
    assert found["ratios"]["answer_p99_background_over_none"] is None  # it has no generator
    assert found["header"]["model"]["name"] == "tiny"
    assert "adapted step over frozen forward" in ended.err
    assert command(*words).code == 7


@pytest.mark.parametrize(
    "words",
    [["speed.json"], ["--speed", "speed.json"], ["--speed", "--json", "gone/a.json"], ["--speed", "--table", "1"]],
)
def test_wrong_use(command: Command, ready: list[str], words: list[str]) -> None:
    """Errors are one line."""
    ended = command("bench", *words, *ready[2:6])
    assert (ended.code in (2, 7), ended.err.count("\n")) == (True, 1), ended.err
