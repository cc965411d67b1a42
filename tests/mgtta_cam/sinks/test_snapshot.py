"""Snapshots: exact pixels, named after the frame, never overwriting an older one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mgtta_cam.errors import OutputError
from mgtta_cam.sinks.snapshot import Snapshots, save_picture
from mgtta_cam.types import Frame, FrameResult, Image


def picture() -> Image:
    """Sixty-four by forty-eight pixels of noise."""
    return np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


def load(path: Path) -> Image:
    """A PNG as RGB."""
    image = cv2.imread(str(path))
    assert image is not None
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.uint8)


def test_a_picture_comes_back_exactly(tmp_path: Path) -> None:
    """PNG keeps every value, and red stays red."""
    path = save_picture(tmp_path / "bouteille-é-瓶.png", picture())
    assert np.array_equal(cv2.cvtColor(_decoded(path), cv2.COLOR_BGR2RGB), picture())


def _decoded(path: Path) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


def test_existing_pictures_are_kept(tmp_path: Path) -> None:
    """A second picture of one name needs `overwrite`."""
    path = save_picture(tmp_path / "a.png", picture())
    with pytest.raises(OutputError, match="exists"):
        save_picture(path, 255 - picture())
    assert np.array_equal(load(path), picture())
    save_picture(path, 255 - picture(), overwrite=True)
    assert np.array_equal(load(path), 255 - picture())


def test_only_png(tmp_path: Path) -> None:
    """A name with another format's extension is an error."""
    with pytest.raises(ValueError, match=r"\.png"):
        save_picture(tmp_path / "a.jpg", picture())


def test_unwritable_places(tmp_path: Path) -> None:
    """A missing folder or a full disk raises an OutputError that names the path."""
    with pytest.raises(OutputError, match="no folder"):
        save_picture(tmp_path / "missing" / "a.png", picture())
    if Path("/dev/full").exists():
        (tmp_path / "full.png").symlink_to("/dev/full")
        with pytest.raises(OutputError, match=r"full\.png.*space"):
            save_picture(tmp_path / "full.png", picture(), overwrite=True)


def test_snapshots_never_replace_each_other(tmp_path: Path) -> None:
    """The same frame saved three times gives three files; each is the drawn picture, not the bare frame."""
    snapshots = Snapshots(tmp_path, lambda result: 255 - result.frame.image)
    result = FrameResult(Frame(123, 4.1, picture()), np.zeros(2, np.float32), 1.0, "none")
    paths = [snapshots.save(result) for _ in range(3)]
    assert [path.name for path in paths] == ["snapshot-000123.png", "snapshot-000123-2.png", "snapshot-000123-3.png"]
    assert all(np.array_equal(load(path), 255 - picture()) for path in paths)
