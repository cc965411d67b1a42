"""The same frames under other settings, and expectations for CI."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import pytest

from mgtta_cam.errors import UsageError
from mgtta_cam.log.format import read
from mgtta_cam.replay.expectations import KINDS, Expectations
from tests.mgtta_cam.conftest import Command

SMALL = ["--adapt-batch", "4", "--label", "chair", "--compare", "split", "--log", "a.jsonl"]


@pytest.fixture
def log(command: Command, ready: list[str]) -> str:
    """A log of ten frames in noise."""
    assert command(*ready, *SMALL, "--corrupt", "gaussian_noise:3", "--lr", "0.01").code == 0
    return "a.jsonl"


def test_several(command: Command, log: str) -> None:
    """A table and a picture compare all runs with the recorded one; the recorded settings reproduce it."""
    words = ["--what-if", "max-updates=99", "--what-if", "method=sar", "--what-if", "method=none"]
    ended = command("replay", log, *words, "--json")
    assert ended.code == 0, ended.err
    rows = {row["run"]: row for row in json.loads(ended.out)["rows"]}
    assert list(rows) == ["frozen", "recorded: tent:lr=0.01", "max-updates=99", "method=sar", "method=none"]
    recorded, again = rows["recorded: tent:lr=0.01"], rows["max-updates=99"]
    assert again == {**recorded, "run": "max-updates=99", "entropy": pytest.approx(recorded["entropy"], abs=1e-3)}
    assert rows["method=none"]["top1"] == rows["frozen"]["top1"]
    assert (rows["method=none"]["updates"], rows["method=sar"]["updates"] + rows["method=sar"]["updates_skipped"]) == (
        0,
        2,
    )
    picture = cv2.imread("mgtta-cam-replay/what-if.png")
    assert picture is not None
    assert min(picture.shape[:2]) > 300
    assert command("replay", log, *words).code == 7  # the picture is there


def test_options_are_the_run_s(command: Command, log: str) -> None:
    """A learning rate is not carried over to another method; other options are kept."""
    assert command("replay", log, "--what-if", "method=lame", "--overwrite").code == 0
    assert command("replay", log, "--what-if", "lr=1e-9,adapt-batch=2", "--overwrite", "--json").code == 0


@pytest.mark.parametrize("words", [["--verify"], ["--tolerance", "1"], ["--state", "s.safetensors"]])
def test_nothing_to_compare_with(command: Command, log: str, words: list[str]) -> None:
    """Other settings give other numbers, so options that verify are rejected."""
    ended = command("replay", log, "--what-if", "lr=0.1", *words)
    assert (ended.code, words[0] in ended.err) == (2, True)


@pytest.mark.parametrize(
    "text",
    [
        *("", "tent", "nothing=1", "method=tend", "lr=fast", "corrupt=fog", "method=lame,lr=0.1"),
        *("lr=1,lr=2", "updates-per-window=auto"),
    ],
)
def test_wrong_use(command: Command, log: str, text: str) -> None:
    """One line, exit code 2."""
    ended = command("replay", log, "--what-if", text)
    assert (ended.code, len(ended.err.strip().splitlines())) in ((2, 1), (2, 2)), ended.err
    assert "Traceback" not in ended.err


def test_expected(command: Command, log: str) -> None:
    """An expectation that is not met ends with exit code 9 and the figures."""
    summary = [*read(Path(log))][-1]
    top1 = summary["accuracy"]["adapted"]["top1"]
    assert command("replay", log, "--expect-accuracy", f">={top1}", "--expect-no-event", "guard").code == 0
    ended = command("replay", log, "--expect-accuracy", f">{top1}")
    assert (ended.code, f"expected accuracy >{top1}, got" in ended.err) == (9, True)
    ended = command("replay", log, "--expect-no-event", "open")
    assert (ended.code, "expected no open event, got 1" in ended.err) == (9, True)
    ended = command("replay", log, "--what-if", "method=none", "--expect-accuracy", ">=101%")
    assert ended.code == 2


def test_all_kinds_of_events_are_known() -> None:
    """An unknown kind of event, which could never fail, is rejected; every kind that the program emits is accepted."""
    with pytest.raises(UsageError, match="unknown event 'gaurd'; known: open, "):
        Expectations(no_events=("guard", "gaurd"))
    emitted = {
        kind
        for path in (Path(__file__).resolve().parents[3] / "app").rglob("*.py")
        for kind in re.findall(r"(?:emit|events|queue)\(\s*\"([a-z-]+)\"", path.read_text(encoding="utf-8"))
    }
    assert len(emitted) > 15
    assert emitted - set(KINDS) == {"web", "other"}  # for people only


def test_bounds() -> None:
    """Bounds are shares or percentages; without labels no accuracy can be expected."""
    accuracy = {"n": 10, "top1": 0.8, "low": 0.5, "high": 0.9}
    for text, kept in ((">=0.8", True), (">= 80%", True), (">0.8", False), ("<0.9", True), ("<=79.9 %", False)):
        assert (not list(Expectations(text).broken("a", accuracy, {}))) is kept
    [broken] = Expectations(">=0.1").broken("a", None, {})
    assert broken == "a: expected accuracy >=0.1, but no frame is labeled: record with --truth"
    [broken] = Expectations(no_events=("guard",)).broken("a", None, {"rollback": 2, "guard": 1})
    assert broken == "a: expected no guard event, got 3"
    for text in ("0.8", "=>0.8", ">=1.5", ">=-1", "nan"):
        with pytest.raises(UsageError, match="--expect-accuracy"):
            Expectations(text)
