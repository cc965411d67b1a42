"""What is installed holds what the program needs beside its code."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from mgtta_cam.sinks.web.page import PARTS
from mgtta_models.shipped import manifest

ROOT = Path(__file__).resolve().parents[1]


def test_the_wheel_is_whole(tmp_path: Path) -> None:
    """The page's parts, the clip with its labels, and the shipped weights."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    needed = [*PARTS.iterdir(), *(entry.path for entry in manifest()), ROOT / "samples" / "clip.mp4"]
    assert {path.relative_to(ROOT).as_posix() for path in needed} | {"samples/clip.labels.csv"} <= held
