"""Pictures as frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from mgtta_cam.errors import SourceDamagedError, SourceError
from mgtta_cam.sources.folder import FolderSource
from tests.mgtta_cam.clips import numbers, write_picture


def test_pictures_in_order(tmp_path: Path) -> None:
    """Frames come in the order of the paths, as RGB."""
    paths = [write_picture(tmp_path / f"{i}.png", i) for i in (2, 0, 1)]
    assert numbers(FolderSource(paths, name="x")) == [2, 0, 1]


def test_an_unreadable_picture_keeps_the_indices_true(tmp_path: Path) -> None:
    """An unreadable file leaves a gap in the indices, because labels belong to places in the list."""
    paths = [write_picture(tmp_path / f"{i}.png", i) for i in range(3)]
    paths[1].write_bytes(b"broken")
    source = FolderSource(paths, name="x")
    assert [frame.index for frame in source] == [0, 2]
    assert (source.facts["promised"], source.facts["delivered"]) == (3, 2)


def test_none_readable_is_damage(tmp_path: Path) -> None:
    """A folder of broken pictures is reported as damage."""
    path = tmp_path / "a.png"
    path.write_bytes(b"broken")
    with pytest.raises(SourceDamagedError, match="none of the 1 pictures"):
        list(FolderSource([path], name="x"))


def test_no_pictures_is_an_error() -> None:
    """An empty list is an error at once."""
    with pytest.raises(SourceError, match="no pictures in somewhere"):
        FolderSource([], name="somewhere")


def test_gray_pictures_have_three_channels(tmp_path: Path) -> None:
    """A gray picture becomes RGB of three equal channels."""
    import cv2
    import numpy as np

    path = tmp_path / "gray.png"
    assert cv2.imwrite(str(path), np.full((40, 40), 77, np.uint8))
    [frame] = FolderSource([path], name="x")
    assert frame.image.shape == (40, 40, 3)
    assert (frame.image == 77).all()
