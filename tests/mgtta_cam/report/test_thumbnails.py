"""Which frames are shown, and that each gets the right picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mgtta_cam.digests import digest, of_file
from mgtta_cam.report.moments import MAX_MOMENTS, moments
from mgtta_cam.report.reading import load
from mgtta_cam.report.thumbnails import album
from tests.mgtta_cam.clips import number, picture, write_clip
from tests.mgtta_cam.report.logs import event, frame, header, write

FOG = {"name": "fog", "severity": 4}


def recorded(folder: Path, frames: int = 20, first: int = 0, **facts: object) -> Path:
    """A log of numbered pictures, and their recording from number `first` on."""
    clip = write_clip(folder / "in.mkv", frames + first)
    assert clip.exists()
    made = [frame(100 + i, **{"in": digest(picture(i)), "corr": FOG if i >= 5 else None}) for i in range(frames)]
    configuration = {"record_input": "in.mkv", "source": "cam"} | facts
    return write(folder / "a.jsonl", header(configuration=configuration, folder=str(folder)), *made)


def seen(jpeg: bytes) -> int:
    """The number encoded in a picture."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return number(image[..., ::-1].astype(np.uint8))


def test_telling_frames(tmp_path: Path) -> None:
    """Changes, actions of the guard, predictions fixed and broken: in order, and twelve at most."""
    frames = [frame(i, "mug", "hat" if i == 3 else "mug", "mug") for i in range(5)]
    frames += [frame(i, "hat" if i == 6 else "mug", "mug", "mug", corr=FOG) for i in range(5, 9)]
    run = load(write(tmp_path / "a.jsonl", header(), *frames[:7], event(0.7, "rollback"), *frames[7:]))
    assert moments(run, 100)[:5] == [
        (0, "first frame"),
        (3, "fixed by adapting"),
        (5, "fog:4 begins"),
        (6, "broken by adapting"),
        (7, "guard rolled back"),
    ]
    assert all(moment.position < 4 for moment in moments(run, 4))
    changing = [frame(i, corr=FOG if i % 2 else None, cut=True) for i in range(100)]
    assert len(moments(load(write(tmp_path / "b.jsonl", header(), *changing)), 100)) == MAX_MOMENTS


def test_from_the_recording(tmp_path: Path) -> None:
    """The n-th frame line is the n-th picture, whatever its index; a recording next to the log is found too."""
    run = load(recorded(tmp_path))
    shown = album(run)
    assert "from the recording in.mkv" in shown.words
    assert [seen(one.jpeg) for one in shown.thumbnails] == [one.moment.position for one in shown.thumbnails]
    assert {0, 5, 19} <= {one.moment.position for one in shown.thumbnails}
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("a.jsonl", "in.mkv"):
        (tmp_path / name).rename(moved / name)
    assert len(album(load(moved / "a.jsonl")).thumbnails) == len(shown.thumbnails)


def test_a_recording_of_another_run(tmp_path: Path) -> None:
    """Pictures that do not match the log are not shown."""
    log = recorded(tmp_path)
    write_clip(tmp_path / "in.mkv", 3)
    assert [one.moment.position for one in album(load(log)).thumbnails] == [0]
    text = log.read_text(encoding="utf-8").replace(digest(picture(0)), "0" * 16)
    log.write_text(text, encoding="utf-8")
    shown = album(load(log))
    assert (shown.thumbnails, shown.words) == ([], "No pictures: in.mkv is not the recording of this run.")


def test_from_the_source(tmp_path: Path) -> None:
    """Frames are read by index if the file is unchanged since the run; otherwise the page says why there are none."""
    clip = write_clip(tmp_path / "clip.mkv", 30)
    facts = {"kind": "video", "name": "clip.mkv", "digest": of_file(clip)}
    top = header(configuration={"source": "clip.mkv"}, source=facts, folder=str(tmp_path))
    log = write(tmp_path / "a.jsonl", top, *(frame(i, corr=FOG if i >= 12 else None) for i in range(0, 30, 4)))
    shown = album(load(log))
    assert shown.words == "From the source clip.mkv, before any synthetic corruption."
    assert [seen(one.jpeg) for one in shown.thumbnails] == [4 * one.moment.position for one in shown.thumbnails]
    write_clip(clip, 31)
    assert "clip.mkv has changed since the run" in album(load(log)).words
    clip.unlink()
    assert "neither a recording (--record-input) nor the source file was found" in album(load(log)).words
