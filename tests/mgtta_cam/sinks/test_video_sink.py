"""Video files: what is written can be read back, and what cannot be written is reported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from mgtta_cam.errors import OutputError
from mgtta_cam.sinks.video import CONTAINERS, VideoSink
from mgtta_cam.types import Frame, FrameResult, Image

SUFFIXES = sorted(CONTAINERS)


def picture(index: int, height: int = 120, width: int = 160) -> Image:
    """A red picture whose blue grows with the index, with a bright square that moves."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:] = (180, 30, min(4 * index, 255))
    image[20:40, 2 * index % 100 : 2 * index % 100 + 20] = 230
    return image


def result(index: int, height: int = 120, width: int = 160) -> FrameResult:
    """A result that carries `picture(index)`."""
    frame = Frame(index, index / 30, picture(index, height, width))
    return FrameResult(frame, np.zeros(2, np.float32), 1.0, "none")


def render(drawn: FrameResult) -> Image:
    """The frame as it is."""
    return drawn.frame.image


def read(path: Path) -> list[Image]:
    """All frames of a video, RGB."""
    capture, frames = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG), []
    while (read := capture.read())[0]:
        frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
    capture.release()
    return frames


def frames_in_the_end(path: Path, count: int) -> int:
    """Number of frames in a video: returns once it has reached the expected count, or after 20 seconds."""
    until = time.monotonic() + 20
    while (found := len(read(path))) < count and time.monotonic() < until:
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_written_frames_can_be_read_back(tmp_path: Path, suffix: str) -> None:
    """Every frame is in the file, in order, at its size and rate, with red as red."""
    path = tmp_path / f"clip{suffix}"
    sink = VideoSink(path, 25.0, render)
    for i in range(40):
        sink.write(result(i))
    sink.close()
    frames = read(path)
    assert len(frames) == 40
    assert frames[0].shape == (120, 160, 3)
    for i in (0, 20, 39):
        assert np.abs(frames[i].astype(int) - picture(i)).mean() < 12
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS) == pytest.approx(25.0, rel=0.01)


def test_a_stride_records_fewer(tmp_path: Path) -> None:
    """Every third result, the first among them; the others are not even drawn."""
    drawn: list[int] = []

    def draws(shown: FrameResult) -> Image:
        drawn.append(shown.frame.index)
        return render(shown)

    path = tmp_path / "clip.webm"
    sink = VideoSink(path, 10.0, draws, stride=3)
    for i in range(31):
        sink.write(result(i))
    sink.close()
    assert drawn == list(range(0, 31, 3))
    assert len(read(path)) == len(drawn)


def test_a_new_size_is_fitted_into_the_first(tmp_path: Path) -> None:
    """A source that changes its size does not end the video: later pictures are scaled into its size."""
    path = tmp_path / "clip.mkv"
    sink = VideoSink(path, 30.0, render)
    sink.write(result(0))
    sink.write(result(1, 240, 160))
    sink.close()
    frames = read(path)
    assert [frame.shape for frame in frames] == [(120, 160, 3)] * 2
    red = frames[1][60, :, 0] > 100
    assert red[60:100].all()
    assert not red[:40].any()
    assert not red[120:].any()


def test_nothing_written_leaves_no_file(tmp_path: Path) -> None:
    """A run that ends before its first frame leaves no empty video; closing twice is closing once."""
    sink = VideoSink(tmp_path / "clip.mkv", 30.0, render)
    sink.close()
    sink.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["clip.mov", "clip", "clip.mkv.txt"])
def test_unknown_endings_are_rejected_with_the_choices(tmp_path: Path, name: str) -> None:
    """The error names all endings that can be written, and what each is good for."""
    with pytest.raises(OutputError) as caught:
        VideoSink(tmp_path / name, 30.0, render)
    assert all(suffix in str(caught.value) for suffix in SUFFIXES)
    assert "browser" in str(caught.value)


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf")])
def test_rate_must_be_positive(tmp_path: Path, fps: float) -> None:
    """OpenCV would open nothing, or something unplayable, at such a rate."""
    with pytest.raises(ValueError, match="fps must be a positive number"):
        VideoSink(tmp_path / "clip.mkv", fps, render)


def test_existing_files_are_kept(tmp_path: Path) -> None:
    """A file that exists is not touched without `overwrite`, and replaced with it."""
    path = tmp_path / "clip.mkv"
    path.write_bytes(b"precious")
    with pytest.raises(OutputError, match="--overwrite"):
        VideoSink(path, 30.0, render)
    assert path.read_bytes() == b"precious"
    sink = VideoSink(path, 30.0, render, overwrite=True)
    sink.write(result(0))
    sink.close()
    assert len(read(path)) == 1


def test_missing_folder(tmp_path: Path) -> None:
    """The error names the folder that is not there."""
    with pytest.raises(OutputError, match=r"there is no folder .*missing"):
        VideoSink(tmp_path / "missing" / "clip.mkv", 30.0, render)


def test_path_is_a_folder(tmp_path: Path) -> None:
    """A folder with a video's name is not a video."""
    (tmp_path / "clip.mkv").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        VideoSink(tmp_path / "clip.mkv", 30.0, render, overwrite=True)


def test_closed_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without write permission is detected before the run."""
    monkeypatch.setattr(os, "access", lambda *_: False)  # chmod would not stop a test that runs as root
    with pytest.raises(OutputError, match="permission denied"):
        VideoSink(tmp_path / "clip.mkv", 30.0, render)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full: Linux only")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_full_disk_is_an_error(tmp_path: Path, suffix: str) -> None:
    """A full disk ends the run at the failing write, not at its end."""
    path = tmp_path / f"clip{suffix}"
    path.symlink_to("/dev/full")
    sink = VideoSink(path, 30.0, render, overwrite=True)
    noise = np.random.default_rng(0)

    def run() -> None:
        for i in range(300):
            drawn = result(i)
            drawn.frame.image[:] = noise.integers(0, 256, drawn.frame.image.shape)
            sink.write(drawn)

    with pytest.raises(OutputError, match="disk") as caught:
        run()
    assert caught.value.exit_code == 7
    sink.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows does not remove a file that is open")
def test_a_file_that_was_not_finished_is_an_error(tmp_path: Path) -> None:
    """A file that is unreadable after its last write, which OpenCV does not report, is detected by reading it."""
    path = tmp_path / "clip.mp4"
    sink = VideoSink(path, 30.0, render)
    sink.write(result(0))
    path.unlink()
    with pytest.raises(OutputError, match="could not be finished"):
        sink.close()


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from mgtta_cam.sinks.video import VideoSink
from mgtta_cam.types import Frame, FrameResult
noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
sink = VideoSink(Path(sys.argv[1]), 30.0, lambda result: result.frame.image)
for i in range(100):
    frame = Frame(i, i / 30, np.roll(noise, 7 * i, axis=1))
    sink.write(FrameResult(frame, np.zeros(2, np.float32), 1.0, "none"))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_killed_process_leaves_a_whole_file(tmp_path: Path, suffix: str) -> None:
    """Killed without warning after 100 frames, all of them are in the file as soon as its encoder has ended."""
    path = tmp_path / f"clip{suffix}"
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=root, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert frames_in_the_end(path, 100) == 100


def test_an_encoder_that_is_ended_is_an_error(tmp_path: Path) -> None:
    """A run stops if its video cannot be written."""
    sink = VideoSink(tmp_path / "clip.mkv", 30.0, render)
    sink.write(result(0))
    assert sink._encoder is not None
    sink._encoder.kill()
    sink._encoder.wait()
    with pytest.raises(OutputError, match="its encoder process was killed"):
        sink.write(result(1))
    sink.close()
