"""The program as a user calls it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from mgtta_cam.cli import main
from tests.mgtta_cam.clips import write_clip
from tests.mgtta_cam.tiny import write_model


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]
READY = ["--source", "clip.mkv", "--model", "tiny", "--weights", "tiny.safetensors", "--method", "tent"]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs the program in an empty folder that holds a clip, a weights file, and nothing else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("mgtta_cam.redaction._known", set())
    monkeypatch.setattr("os._exit", sys.exit)  # would end the tests too

    def run(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["mgtta-cam", *words])
        with pytest.raises(SystemExit) as ended:
            main.main()
        assert isinstance(ended.value.code, int)
        out, err = map(str, capfd.readouterr())
        return Ended(ended.value.code, out, err)

    return run


@pytest.fixture
def ready(tmp_path: Path) -> list[str]:
    """Options of a run that works: 10 frames, a tiny model, a method that needs no files."""
    write_clip(tmp_path / "clip.mkv", 10)
    write_model(tmp_path / "tiny.safetensors")
    return READY
