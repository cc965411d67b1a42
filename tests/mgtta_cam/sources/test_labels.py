"""Ground truth of clips."""

from __future__ import annotations

from pathlib import Path

import pytest

from mgtta_cam.errors import UsageError
from mgtta_cam.sources import labels

CLASSES = ("mug", "chair", "lamp")


def index(name: str) -> int:
    """Finds a class by name or number, like `mgtta_models.labels.Labels.index`."""
    if name.strip().isdigit():
        return int(name)
    if name.strip() not in CLASSES:
        raise ValueError(f"no class is called {name!r}; nearest: mug")
    return CLASSES.index(name.strip())


def truth(tmp_path: Path, text: str) -> labels.LabelOf:
    """Reads a CSV file with this content."""
    path = tmp_path / "truth.csv"
    path.write_text(text, encoding="utf-8")
    return labels.from_csv(path, index)


def test_frames_and_ranges(tmp_path: Path) -> None:
    """Single frames and inclusive ranges, names and numbers, may come in any order; other frames are unknown."""
    label_of = truth(tmp_path, "frame,label\n10-12,lamp\n3,mug\n5 - 6, 1\n")
    assert [label_of(i) for i in (2, 3, 4, 5, 6, 7, 10, 12, 13)] == [None, 0, None, 1, 1, None, 2, 2, None]


def test_no_heading_is_needed(tmp_path: Path) -> None:
    """The first line may be data."""
    assert truth(tmp_path, "0,chair\n")(0) == 1


def test_an_empty_label_is_unknown(tmp_path: Path) -> None:
    """A range can have no label."""
    assert truth(tmp_path, "0-9,\n")(4) is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("0-9,mugg\n", "line 1.*nearest: mug"),
        ("frame,label\nx,mug\n", "line 2: expected"),
        ("0\n", "line 1: expected"),
        ("9-0,mug\n", "ends before it begins"),
        ("0-9,mug\n5,chair\n", "frame 5 has more than one label"),
    ],
)
def test_bad_lines_are_reported(tmp_path: Path, text: str, what: str) -> None:
    """The message names the line and what was expected."""
    with pytest.raises(UsageError, match=what):
        truth(tmp_path, text)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    """The message names the option and the file."""
    with pytest.raises(UsageError, match=r"--truth .*gone\.csv"):
        labels.from_csv(tmp_path / "gone.csv", index)


def test_sidecar(tmp_path: Path) -> None:
    """Only `clip.labels.csv` belongs to `clip.mp4`."""
    assert labels.sidecar(tmp_path / "clip.mp4") is None
    found = tmp_path / "clip.labels.csv"
    found.touch()
    assert labels.sidecar(tmp_path / "clip.mp4") == found
    assert labels.sidecar(tmp_path / "other.mp4") is None


def test_constant() -> None:
    """All frames get one label; the message for an unknown label names the option."""
    assert labels.constant("lamp", index)(12345) == 2
    with pytest.raises(UsageError, match=r"--label: .*nearest: mug"):
        labels.constant("mugg", index)


def test_folders() -> None:
    """Folders named by class label their pictures; others do not, and numbers are not class names."""
    label_of = labels.from_folders(["chair", "junk", "mug"], index)
    assert label_of is not None
    assert [label_of(i) for i in range(3)] == [1, None, 0]
    assert labels.from_folders(["2024", "junk"], index) is None
