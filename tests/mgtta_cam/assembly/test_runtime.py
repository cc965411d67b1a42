"""Answers by ONNX Runtime, as a user asks for them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mgtta_cam.log.format import read
from tests.mgtta_cam.conftest import Command

LOGGED = 1.5e-3  # numbers that differ in their last bits may be written as neighbors of three decimals
WAY = ["--adapt-batch", "4", "--lr", "0.01", "--corrupt", "gaussian_noise:3", "--label", "chair", "--compare", "split"]


@pytest.mark.parametrize("adapt", ["inline", "background"])
def test_a_run_and_its_replay(command: Command, ready: list[str], adapt: str) -> None:
    """Answers are torch's up to rounding, updates reach them, and the log is replayed to the bit by both."""
    logits = {}
    for runtime in ("torch", "onnx"):
        ended = command(*ready, *WAY, "--adapt", adapt, "--log", f"{runtime}.jsonl", "--runtime", runtime)
        assert ended.code == 0, ended.err
        records = list(read(Path(f"{runtime}.jsonl")))
        assert records[0]["runtime"] == runtime
        assert records[0]["configuration"]["runtime"] == runtime
        logits[runtime] = [record["H"] for record in records if record["type"] == "frame"]
        if adapt == "inline":
            assert sum(record["type"] == "update" for record in records) == 2
        replayed = command("replay", f"{runtime}.jsonl", "--verify", "--json")
        assert replayed.code == 0, replayed.err
        assert json.loads(replayed.out)["replay"]["equal"]
    if adapt == "inline":
        assert logits["onnx"] == pytest.approx(logits["torch"], abs=LOGGED)


def test_auto(command: Command, ready: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes ONNX Runtime on the CPU; and torch, with a word, where no export can be kept."""
    assert command(*ready, "--runtime", "auto", "--log", "a.jsonl").code == 0
    assert next(iter(read(Path("a.jsonl"))))["runtime"] == "onnx"
    Path("file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", "file")
    ended = command(*ready, "--runtime", "auto", "--log", "b.jsonl")
    assert (ended.code, "predicting with torch: " in ended.err, "XDG_CACHE_HOME" in ended.err) == (0, True, True)
    assert next(iter(read(Path("b.jsonl"))))["runtime"] == "torch"
    ended = command(*ready, "--runtime", "onnx")
    assert (ended.code, len(ended.err.splitlines())) == (6, 2), ended.err


def test_without_onnx_runtime(command: Command, ready: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch answers, with a word; whoever asks for ONNX Runtime gets one line that says what to install."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    ended = command(*ready, "--runtime", "auto", "--log", "a.jsonl")
    assert (ended.code, "predicting with torch: ONNX Runtime cannot be imported" in ended.err) == (0, True), ended.err
    assert next(iter(read(Path("a.jsonl"))))["runtime"] == "torch"
    ended = command(*ready, "--runtime", "onnx")
    assert (ended.code, "pip install onnxruntime, or onnxruntime-gpu" in ended.err) == (6, True), ended.err
