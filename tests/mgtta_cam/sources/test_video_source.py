"""A video file yields every frame, in order, in RGB, with its time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mgtta_cam.errors import SourceDamagedError, SourceError
from mgtta_cam.sources.video import VideoSource
from tests.mgtta_cam.clips import FPS, numbers, picture, write_clip


def test_every_frame_in_order(tmp_path: Path) -> None:
    """Indices, pictures and the count are those of the file."""
    source = VideoSource(write_clip(tmp_path / "clip.mkv", 40))
    frames = list(source)
    assert [frame.index for frame in frames] == list(range(40))
    assert numbers(frames) == list(range(40))
    assert source.facts["delivered"] == 40


def test_pictures_are_rgb(tmp_path: Path) -> None:
    """A lossless clip yields the RGB that was written; BGR does not leave the source."""
    frames = list(VideoSource(write_clip(tmp_path / "clip.mkv", 3)))
    assert frames[2].image.dtype == np.uint8
    assert np.array_equal(frames[2].image, picture(2))


def test_media_time(tmp_path: Path) -> None:
    """Timestamps follow the frame rate."""
    frames = list(VideoSource(write_clip(tmp_path / "clip.mkv", 5)))
    assert [frame.seconds for frame in frames] == pytest.approx([i / FPS for i in range(5)], abs=1e-3)


def test_promised_frames_are_reported(tmp_path: Path) -> None:
    """The facts hold the promised number of frames before one is read."""
    source = VideoSource(write_clip(tmp_path / "clip.mp4", 12, "mp4v"))
    assert (source.facts["promised"], source.facts["delivered"]) == (12, 0)
    source.close()


def test_a_source_plays_again(tmp_path: Path) -> None:
    """A second iteration starts from the first frame."""
    source = VideoSource(write_clip(tmp_path / "clip.mkv", 4))
    assert numbers(source) == numbers(source) == [0, 1, 2, 3]


def test_reading_goes_on_after_damage(tmp_path: Path) -> None:
    """A damaged stretch costs frames, but not the rest of the file."""
    path = write_clip(tmp_path / "clip.avi", 60, "MJPG")
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 3 + len(data) // 10] = bytes(len(data) // 10)
    path.write_bytes(data)
    seen = numbers(VideoSource(path))
    assert seen[-1] >= 58
    assert seen[0] == 0


@pytest.mark.parametrize("content", [b"", b"no video at all", b"\x00" * 4096])
def test_what_is_no_video_is_reported(tmp_path: Path, content: bytes) -> None:
    """The error for a file that is not a video names it."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"clip\.mp4 is not a video"):
        VideoSource(path)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    """The error for a missing file names it."""
    with pytest.raises(SourceError, match=r"gone\.mp4"):
        VideoSource(tmp_path / "gone.mp4")


def test_no_frame_at_all_is_damage(tmp_path: Path) -> None:
    """A video that opens but yields no frame counts as damaged."""
    path = write_clip(tmp_path / "clip.avi", 30, "MJPG")
    data = bytearray(path.read_bytes())
    at = data.index(b"movi") + 4
    data[at:] = bytes(len(data) - at)
    path.write_bytes(data)
    with pytest.raises((SourceDamagedError, SourceError), match=r"clip\.avi"):
        list(VideoSource(path))
