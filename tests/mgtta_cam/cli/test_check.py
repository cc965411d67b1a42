"""`check-method`, and plug-ins on the command line."""

from __future__ import annotations

import json
from pathlib import Path

from mgtta.contract import CHECKS
from tests.mgtta_cam.conftest import Command

MINE = """
from mgtta.adapter import Adapter
from mgtta.losses import entropy_loss
from mgtta.memory import Latest
from mgtta.transforms import sgd

def mine(backbone, lr: float = 1e-3):
    return Adapter(backbone, entropy_loss, sgd(), lr)

def deaf(backbone, lr: float = 1e-3, unused: float = 0.5):
    return mine(backbone, lr)

def kept(size, seed):
    return Latest(size)
"""


def test_a_method_that_passes(command: Command, tmp_path: Path) -> None:
    """Each check has a line, and the exit code is 0."""
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    ended = command("check-method", "./mine.py:mine")
    assert ended.code == 0, ended.err
    assert [line.split()[1] for line in ended.out.splitlines() if line.startswith("ok")] == list(CHECKS)


def test_a_method_that_fails(command: Command, tmp_path: Path) -> None:
    """A failed check is explained, and the exit code is 2, as for an unknown method."""
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    ended = command("check-method", "./mine.py:deaf", "--json")
    assert ended.code == 2
    errors = {finding["check"]: finding["error"] for finding in map(json.loads, ended.out.splitlines())}
    assert {check for check, error in errors.items() if error} == {"every-option-has-an-effect"}
    assert "the option unused has no effect" in errors["every-option-has-an-effect"]
    assert "fails 1 of 12 checks" in ended.err
    ended = command("check-method", "./mine.py:yours")
    assert (ended.code, "no function 'yours'" in ended.err) == (2, True)


def test_a_run_with_plug_ins(command: Command, ready: list[str], tmp_path: Path) -> None:
    """A run uses a method and a memory from a file."""
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    words = [word for word in ready if word != "tent"]
    at = words.index("--method")
    words[at + 1 : at + 1] = ["./mine.py:mine"]
    ended = command(*words, "--memory", "./mine.py:kept", "--adapt-batch", "4", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["updates"] == 2
    ended = command(*ready, "--memory", "./mine.py:forgotten")
    assert (ended.code, "no function 'forgotten'" in ended.err) == (2, True)
