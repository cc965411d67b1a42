"""The doctor's findings and remedies."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from mgtta_cam.cli import doctor
from mgtta_cam.cli import listing as catalog
from mgtta_cam.cli.doctor import findings
from mgtta_models import shipped


def found(what: str) -> list[tuple[str, str, str]]:
    """Mark, text and remedy of the findings with this name."""
    return [(one.mark, one.found, one.remedy) for one in findings() if one.what == what]


def test_this_machine(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is bad here, and what is missing has a remedy; --json prints the same, one finding per line."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    catalog.doctor(as_json=True)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {one["mark"] for one in printed} <= {"ok", "note"}
    assert all(one["remedy"] for one in printed if one["mark"] == "note")
    names = {one["what"] for one in printed}
    assert {"python", "versions", "cpu", "onnxruntime", "display", "video out", "shipped", "disk"} <= names
    assert next(one["found"] for one in printed if one["what"] == "video out").count("(") == 5
    catalog.doctor()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(printed)


def test_damage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A changed file, a missing one, a full disk, and wheels that overwrite each other are found."""
    (tmp_path / "demo.safetensors").write_bytes(b"not it")
    (tmp_path / "manifest.toml").write_bytes((shipped.FOLDER / "manifest.toml").read_bytes())
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    assert {mark for mark, _, _ in found("shipped")} == {"bad"}
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=2e8))
    assert found("disk")[0][:2] == ("bad", "0.2 GB free here")
    monkeypatch.setattr(doctor, "package_version", lambda _: "5.0")
    assert "pip uninstall opencv-python" in found("opencv")[0][2]


def test_a_codec_that_is_not_there() -> None:
    """A missing codec is distinguished from one that works."""
    assert doctor._encodes(".mkv", "FFV1")
    assert not doctor._encodes(".mkv", "NOPE")
