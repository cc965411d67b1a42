"""Answers by ONNX Runtime, as a user asks for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mgtta_cam.log.format import read
from tests.mgtta_cam.conftest import Command

WAY = ["--adapt-batch", "4", "--lr", "0.01", "--corrupt", "gaussian_noise:3", "--label", "chair", "--compare", "split"]


@pytest.mark.parametrize("adapt", ["inline", "background"])
def test_a_run_and_its_replay(command: Command, ready: list[str], adapt: str) -> None:
    """Answers are torch's within 1e-4, updates reach them, and the log is replayed to the bit with either runtime."""
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
        assert logits["onnx"] == pytest.approx(logits["torch"], abs=2e-3)


def test_auto(command: Command, ready: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes ONNX Runtime on the CPU; and torch, with a word, where no export can be kept."""
    assert command(*ready, "--runtime", "auto", "--log", "a.jsonl").code == 0
    assert next(iter(read(Path("a.jsonl"))))["runtime"] == "onnx"
    Path("file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", "file")
    ended = command(*ready, "--runtime", "auto", "--log", "b.jsonl")
    assert (ended.code, "torch answers: " in ended.err, "XDG_CACHE_HOME" in ended.err) == (0, True, True)
    assert next(iter(read(Path("b.jsonl"))))["runtime"] == "torch"
    ended = command(*ready, "--runtime", "onnx")
    assert (ended.code, len(ended.err.splitlines())) == (6, 2), ended.err
