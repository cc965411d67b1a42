"""Methods and memories of other people: in files, in modules, in installed packages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

import mgtta
from mgtta import METHODS
from mgtta.plugins import MEMORIES, is_reference, load
from mgtta.trial import pictures
from mgtta_models.tiny import tiny_backbone

MINE = '''
from mgtta.adapter import Adapter
from mgtta.losses import entropy_loss
from mgtta.memory import Latest
from mgtta.transforms import sgd

def mine(backbone, lr: float = 1e-3):
    """Entropy, again."""
    return Adapter(backbone, entropy_loss, sgd(), lr)

def kept(size, seed):
    return Latest(size // 2)

broken = 3
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A user's file."""
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    return tmp_path / "mine.py"


def test_a_function_in_a_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its path, as often as one asks, with the file read once; METHODS does not list it."""
    monkeypatch.chdir(file.parent)
    assert "./mine.py:mine" in METHODS
    assert METHODS["./mine.py:mine"] is METHODS[f"{file}:mine"]
    assert "./mine.py:mine" not in list(METHODS)
    adapted = mgtta.adapt(tiny_backbone(), "./mine.py:mine", memory="./mine.py:kept", window=16)
    assert adapted(pictures(0, 8)).shape == (8, 10)


def test_a_function_in_a_module() -> None:
    """By its dotted name."""
    assert METHODS["mgtta.methods.tent:tent"] is METHODS["tent"]
    assert not is_reference("mgtta")
    assert not is_reference("tent:lr=3")


@pytest.mark.parametrize(
    ("reference", "match"),
    [
        ("{folder}/none.py:mine", "no such file"),
        ("{folder}/mine.py:yours", "no function 'yours'; it has: .*mine"),
        ("{folder}/mine.py:broken", "no function 'broken'"),
        ("{folder}/bad.py:mine", "cannot be imported: ZeroDivisionError"),
        ("no.such.module:mine", "cannot be imported: ModuleNotFoundError"),
        ("mine", "expected FILE.py:FUNCTION"),
    ],
)
def test_what_cannot_be_loaded(file: Path, reference: str, match: str) -> None:
    """One line says why; a file that failed leaves nothing behind."""
    (file.parent / "bad.py").write_text("1 / 0", encoding="utf-8")
    with pytest.raises(ValueError, match=match):
        load(reference.format(folder=file.parent))
    assert not any(name.startswith("mgtta_plugin_bad") for name in sys.modules)


def test_installed_packages(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entry points are listed after ours, without an import, and loaded when they are asked for."""
    info = file.parent / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        "[mgtta.methods]\ntheirs = mine_of_theirs:mine\ntorn = nowhere_at_all:mine\ntent = mine_of_theirs:mine\n"
        "[mgtta.memories]\nhalf = mine_of_theirs:kept\n",
        encoding="utf-8",
    )
    (file.parent / "mine_of_theirs.py").write_text(MINE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(file.parent))
    assert list(METHODS)[-3:] == ["mgtta", "theirs", "torn"]
    assert list(METHODS).count("tent") == 1
    assert "mine_of_theirs" not in sys.modules
    step = METHODS["theirs"](tiny_backbone()).step(torch.randn(4, 3, 32, 32))
    assert step.skipped is None
    assert METHODS["tent"].__module__ == "mgtta.methods.tent"
    assert not MEMORIES["half"](8, 0).ready
    with pytest.raises(ValueError, match="the method torn of theirs cannot be loaded"):
        METHODS["torn"]
    with pytest.raises(KeyError):
        METHODS["nobody"]
