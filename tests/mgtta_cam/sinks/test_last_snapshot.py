"""`LastSnapshot`: the last result as a picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from mgtta_cam.errors import OutputError
from mgtta_cam.sinks.snapshot import LastSnapshot
from mgtta_cam.sources.folder import FolderSource
from tests.mgtta_cam.clips import frames, number
from tests.mgtta_cam.log.test_log import result


def test_the_last_result_is_saved(tmp_path: Path) -> None:
    """Only the last one, drawn, at the end."""
    path = tmp_path / "last.png"
    sink = LastSnapshot(path, lambda r: r.frame.image)
    for frame in frames(5):
        sink.write(result(frame=frame))
        assert not path.exists()
    sink.close()
    [saved] = FolderSource([path], name="saved")
    assert number(saved.image) == 4


def test_no_result_no_picture(tmp_path: Path) -> None:
    """An empty run leaves no file."""
    LastSnapshot(tmp_path / "last.png", lambda r: r.frame.image).close()
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_kept(tmp_path: Path) -> None:
    """A file is replaced only where that was asked for."""
    (tmp_path / "last.png").touch()
    with pytest.raises(OutputError, match="exists"):
        LastSnapshot(tmp_path / "last.png", lambda r: r.frame.image)
