"""Parsing --source."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mgtta_cam.errors import SourceError
from mgtta_cam.sources.address import parse
from tests.mgtta_cam.clips import write_picture


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("12", 12), ("/dev/video3", 3), ("/dev/v4l/by-id/x", "/dev/v4l/by-id/x")]
)
def test_cameras(text: str, number: int) -> None:
    """A number or a device is a camera."""
    address = parse(text)
    assert (address.kind, address.camera, address.live) == ("camera", number, True)


@pytest.mark.parametrize("scheme", ["rtsp", "rtmp", "http", "https", "udp", "RTSP"])
def test_streams(scheme: str) -> None:
    """An address is a stream."""
    address = parse(f"{scheme}://host/x")
    assert (address.kind, address.url, address.live) == ("stream", f"{scheme}://host/x", True)


def test_an_unknown_scheme_is_reported() -> None:
    """The message names the schemes that work."""
    with pytest.raises(SourceError, match="rtsp://"):
        parse("gopher://host")


def test_files_and_folders(tmp_path: Path) -> None:
    """A file is a video or a picture by its name; a folder is all the pictures in it, sorted."""
    video = tmp_path / "a.mp4"
    video.touch()
    pictures = [write_picture(tmp_path / "n1" / f"{name}.JPEG", 1) for name in ("b", "a")]
    assert (parse(str(video)).kind, parse(str(video)).paths) == ("video", (video,))
    assert parse(str(pictures[0])).paths == (pictures[0],)
    assert parse(str(tmp_path)).paths == tuple(sorted(pictures))
    assert parse(str(tmp_path / "**" / "*.JPEG")).paths == tuple(sorted(pictures))


def test_a_folder_whose_name_looks_like_a_glob(tmp_path: Path) -> None:
    """An existing path is taken literally, even with [1] in its name."""
    path = write_picture(tmp_path / "set[1]" / "a.png", 1)
    assert parse(str(path.parent)).paths == (path,)


@pytest.mark.parametrize("text", ["gone.mp4", "gone/*.png", ""])
def test_what_is_not_there_is_reported(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing file, an empty match and an empty text are errors of the source."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError):
        parse(text)


def test_the_shown_name_hides_secrets() -> None:
    """The shown name is made from the template, before secrets are filled in."""
    assert parse("rtsp://me:hunter2@host/x", shown="rtsp://me:{PASSWORD}@host/x").shown == "rtsp://***@host/x"


@given(st.text(min_size=1, max_size=30))
def test_any_text_is_parsed_or_an_error(text: str) -> None:
    """No text raises anything but SourceError."""
    assume(not os.path.isdir(os.path.expanduser(text)))  # noqa: PTH111  such as `/`, with too many pictures
    with suppress(SourceError):
        assert parse(text).kind in {"camera", "stream", "video", "pictures"}
