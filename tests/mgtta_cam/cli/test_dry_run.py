"""`--dry-run` fails for every error that can occur before the first frame, and writes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.mgtta_cam.conftest import Command


def test_what_would_run(command: Command, ready: list[str], tmp_path: Path) -> None:
    """Source, model, method and outputs are printed on stdout; the folder stays as it was."""
    before = sorted(tmp_path.iterdir())
    outputs = ["--log", "a.jsonl", "--save", "a.mkv", "--record-input", "b.mkv", "--state", "s.safetensors"]
    ended = command(*ready, *outputs, "--dry-run")
    assert ended.code == 0, ended.err
    lines = dict(line.split(maxsplit=1) for line in ended.out.splitlines())
    assert list(lines) == ["source", "model", "method", "outputs", "all"]
    assert "clip.mkv" in lines["source"]
    assert lines["method"] == "tent, inline updates from 64 frames, on cpu"
    assert lines["outputs"] == "--save a.mkv, --log a.jsonl, --record-input b.mkv, --state s.safetensors"
    assert sorted(tmp_path.iterdir()) == before
    facts = json.loads(command(*ready, *outputs, "--dry-run", "--json").out)
    assert (facts["model"]["classes"], facts["outputs"]["log"]) == (4, "a.jsonl")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--source", "none.mkv"], 3),
        (["--weights", "none.safetensors"], 6),
        (["--log", "."], 7),
        (["--save", "a.xyz"], 7),
        (["--method", "tend"], 2),
        (["--corrupt", "fogg"], 2),
        (["--truth", "none.csv"], 2),
    ],
)
def test_what_would_not(command: Command, ready: list[str], words: list[str], code: int) -> None:
    """It ends with one line and the exit code of the run itself."""
    given = ready[2:] if words[0] == "--source" else ready
    ended = command(*given, *words, "--dry-run")
    assert (ended.code, ended.out, ended.err.count("\n")) == (code, "", 1), ended.err
