"""The examples run as they stand, each in an empty folder, on a short video; they are short themselves."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mgtta_models.loading import load_backbone
from tests.excerpt import excerpt

FOLDER = Path(__file__).resolve().parents[1] / "examples"
ARGUMENTS = {
    "stream_video": ["video.mp4"],
    "count_labels": [],
    "adapt_own_model": [],
    "own_method": ["pictures"],
    "results_to_csv": ["video.mp4"],
    "replay_log": ["video.mp4"],
}
LONGEST = 30  # lines that are not blank


def write_pictures(folder: Path, each: int = 8) -> None:
    """Noise, in folders named by two classes of the embedded model."""
    rng = np.random.default_rng(0)
    for name in load_backbone("demo").classes[:2]:
        (folder / name).mkdir(parents=True)
        for i in range(each):
            cv2.imwrite(str(folder / name / f"{i}.png"), rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))


def test_all_are_listed() -> None:
    """Each has its arguments here, and its row in examples/README.md."""
    names = {path.stem for path in FOLDER.glob("*.py")}
    assert names == ARGUMENTS.keys()
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"]({name}.py)" in listed for name in names)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_they_are_short(name: str) -> None:
    """Ten to thirty lines."""
    lines = [line for line in (FOLDER / f"{name}.py").read_text(encoding="utf-8").splitlines() if line.strip()]
    assert 10 <= len(lines) <= LONGEST


@pytest.mark.parametrize("name", ARGUMENTS)
def test_they_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """To their end, and print something."""
    monkeypatch.chdir(tmp_path)
    if "video.mp4" in ARGUMENTS[name]:
        excerpt(tmp_path / "video.mp4")
    if "pictures" in ARGUMENTS[name]:
        write_pictures(tmp_path / "pictures")
    path = str(FOLDER / f"{name}.py")
    monkeypatch.setattr(sys, "argv", [path, *ARGUMENTS[name]])
    runpy.run_path(path, run_name="__main__")
    assert capsys.readouterr().out.strip()


def test_the_method_of_the_example_adapts() -> None:
    """By itself, without the program."""
    mine = runpy.run_path(str(FOLDER / "own_method.py"), run_name="own_method")["mine"]
    backbone = load_backbone("demo")
    x = torch.randn(
        4, 3, backbone.preprocess.size, backbone.preprocess.size, generator=torch.Generator().manual_seed(0)
    )
    method = mine(backbone)
    before = {name: tensor.clone() for name, tensor in method.parameters().items()}
    method.step(x)
    assert any((before[name] != tensor).any() for name, tensor in method.parameters().items())
