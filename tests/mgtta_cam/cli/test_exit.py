"""How the program ends after signals and lost sources, and that it never reveals secrets; with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from mgtta_cam.log.format import read
from tests.mgtta_cam.clips import write_clip
from tests.mgtta_cam.fault_server import FaultServer
from tests.mgtta_cam.sinks.test_video_sink import frames_in_the_end
from tests.mgtta_cam.tiny import write_model

ROOT = Path(__file__).resolve().parents[3]
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
MODEL = ["--model", "tiny", "--weights", "tiny.safetensors", "--method", "tent", "--adapt-batch", "4"]


def started(folder: Path, *words: str, code: str | None = None, **environment: str) -> subprocess.Popen[str]:
    """Starts the program, or some Python code, as a process in a folder."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY")
    base = {name: value for name, value in os.environ.items() if name not in hidden}
    command = [sys.executable, *(["-c", textwrap.dedent(code)] if code else ["-m", "mgtta_cam.cli.main"]), *words]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=base | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines_of(process: subprocess.Popen[str], path: Path) -> Iterator[int]:
    """Yields the number of lines in a file, again and again while the process lives."""
    while process.poll() is None:
        yield path.read_text(encoding="utf-8").count("\n") if path.exists() else 0
    raise AssertionError(f"the program ended early: {process.communicate()}")


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_closes_all_files(tmp_path: Path, number: int, code: int) -> None:
    """Log and video are complete, the summary is printed, and the exit code gives the signal."""
    write_clip(tmp_path / "clip.mkv", 20)
    write_model(tmp_path / "tiny.safetensors")
    outputs = ["--save", "out.mp4", "--log", "out.jsonl", "--json"]
    process = started(tmp_path, "--source", "clip.mkv", "--loop", "0", *MODEL, *outputs)
    next(count for count in lines_of(process, tmp_path / "out.jsonl") if count > 30)
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == code, err
    records = list(read(tmp_path / "out.jsonl"))
    assert (records[-1]["type"], records[-1]["exit_code"]) == ("summary", code)
    assert f'"exit_code": {code}' in out
    video = cv2.VideoCapture(str(tmp_path / "out.mp4"), cv2.CAP_FFMPEG)  # an .mp4 that was not closed does not open
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == records[-1]["frames"]
    assert "Traceback" not in err


def test_nohup(tmp_path: Path) -> None:
    """A closed terminal does not end a program started with nohup."""
    write_clip(tmp_path / "clip.mkv", 20)
    write_model(tmp_path / "tiny.safetensors")
    code = """
        import signal, sys
        from mgtta_cam.cli import main
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        main.main()
    """
    process = started(tmp_path, "--source", "clip.mkv", "--loop", "0", *MODEL, "--log", "out.jsonl", code=code)
    counts = lines_of(process, tmp_path / "out.jsonl")
    seen = next(count for count in counts if count > 30)
    process.send_signal(signal.SIGHUP)
    next(count for count in counts if count > seen + 30)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 143


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full: Linux only")
@pytest.mark.parametrize(("full", "other"), [("out.jsonl", "out.mkv"), ("out.mkv", "out.jsonl")])
def test_a_full_disk(tmp_path: Path, full: str, other: str) -> None:
    """The program ends with one line and exit code 7; files on another disk are complete."""
    write_clip(tmp_path / "clip.mkv", 20)
    write_model(tmp_path / "tiny.safetensors")
    (tmp_path / full).symlink_to("/dev/full")
    outputs = ["--save", "out.mkv", "--log", "out.jsonl", "--overwrite"]
    process = started(tmp_path, "--source", "clip.mkv", "--loop", "500", *MODEL, *outputs)
    _, err = process.communicate()
    assert process.returncode == 7, err
    assert full in err.splitlines()[-1]
    assert "Traceback" not in err
    if other == "out.jsonl":
        summary = list(read(tmp_path / other))[-1]
        assert summary["exit_code"] == 7
        assert full in summary["error"]
    else:
        assert not (tmp_path / other).exists() or cv2.VideoCapture(str(tmp_path / other)).isOpened()


def test_killed(tmp_path: Path) -> None:
    """After SIGKILL, the log is valid to its last complete line, and the video has all its frames."""
    write_clip(tmp_path / "clip.mkv", 20)
    write_model(tmp_path / "tiny.safetensors")
    outputs = ["--save", "out.mkv", "--log", "out.jsonl"]
    process = started(tmp_path, "--source", "clip.mkv", "--loop", "0", *MODEL, *outputs)
    next(count for count in lines_of(process, tmp_path / "out.jsonl") if count > 30)
    process.kill()
    process.communicate()
    frames = [record["i"] for record in read(tmp_path / "out.jsonl") if record["type"] == "frame"]
    assert frames == list(range(len(frames)))
    assert frames_in_the_end(tmp_path / "out.mkv", len(frames)) in (len(frames), len(frames) + 1)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_while_a_source_opens(tmp_path: Path, number: int, code: int) -> None:
    """A server that does not respond does not delay the end."""
    with FaultServer(-1, mute=True) as server:
        process = started(tmp_path, "--source", server.url, "--open-timeout", "3600", "--method", "tent")
        server.reached.wait()
        process.send_signal(number)
        _, err = process.communicate()
    assert process.returncode == code, err
    assert "Traceback" not in err


def test_a_signal_while_a_stream_is_mute(tmp_path: Path) -> None:
    """A blocked read does not delay the end, and the log is complete."""
    write_model(tmp_path / "tiny.safetensors")
    with FaultServer(8, mute=True) as server:
        words = ["--source", server.url, "--read-timeout", "3600", "--log", "out.jsonl"]
        process = started(tmp_path, *words, *MODEL)
        next(count for count in lines_of(process, tmp_path / "out.jsonl") if count > 3)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()
    assert process.returncode == 143, err
    first, *_, last = read(tmp_path / "out.jsonl")
    assert (first["configuration"]["adapt"], last["exit_code"]) == ("background", 143)  # as it is live


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    """The process exits without any cleanup."""
    code = """
        import os, signal
        from mgtta_cam.cli.exit import orderly_end
        from mgtta_cam.stream.controls import Controls
        controls = Controls()
        try:
            with orderly_end() as signals:
                signals.running = [controls]
                os.kill(os.getpid(), signal.SIGTERM)
                print("asked", controls.exit_code, flush=True)
                os.kill(os.getpid(), signal.SIGINT)
        finally:
            print("cleaned up", flush=True)
    """
    process = started(tmp_path, code=code)
    out, _ = process.communicate()
    assert (process.returncode, out) == (130, "asked 143\n")


def test_a_lost_stream(tmp_path: Path) -> None:
    """The exit code is 4; frames before the loss are classified and logged."""
    write_model(tmp_path / "tiny.safetensors")
    with FaultServer(8, mute=False) as server:
        words = ["--source", server.url, "--mode", "every-frame", "--no-reconnect", "--log", "out.jsonl"]
        process = started(tmp_path, *words, *MODEL)
        _, err = process.communicate()
    assert process.returncode == 4, err
    assert "was lost after" in err
    records = list(read(tmp_path / "out.jsonl"))
    assert records[-1]["exit_code"] == 4
    assert records[-1]["frames"] == len([r for r in records if r["type"] == "frame"]) >= 6


def test_no_secret_gets_out(tmp_path: Path) -> None:
    """Neither a password in the address nor one from the environment is printed or logged, by success or failure."""
    write_model(tmp_path / "tiny.safetensors")
    with FaultServer(8, mute=False) as server:
        address = f"http://me:hunter2@127.0.0.1:{server.port}/live.mjpg?token=hunter2&x={{CAM_TOKEN}}"
        words = ["--source", address, "-v", "--json", "--no-reconnect", "--log", "out.jsonl", "--save", "out.mkv"]
        process = started(tmp_path, *words, *MODEL, CAM_TOKEN="swordfish")  # noqa: S106
        output = "".join(map(str, process.communicate()))
        assert b"x=swordfish" in server.requests[0]
    output += (tmp_path / "out.jsonl").read_text(encoding="utf-8")
    for more in (["--weights", "gone.pth"], ["--print-config"], ["--mode", address]):
        failed = started(tmp_path, "--source", address, "--open-timeout", "5", *more, CAM_TOKEN="swordfish")  # noqa: S106
        output += "".join(map(str, failed.communicate()))
    assert "hunter2" not in output
    assert "swordfish" not in output
    assert "***@127.0.0.1" in output
