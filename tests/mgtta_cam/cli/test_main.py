"""The command line: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from mgtta_cam.config.settings import PANELS, fields_of_settings, flag
from mgtta_cam.digests import digest
from mgtta_cam.log.format import read
from mgtta_models import files
from tests.mgtta_cam.clips import write_clip, write_picture
from tests.mgtta_cam.conftest import READY, Command
from tests.mgtta_cam.sinks.test_video_sink import read as frames_of
from tests.mgtta_cam.tiny import write_model

LONG = "a" * 300  # no file system has such a name


def test_a_run(command: Command, ready: list[str], tmp_path: Path) -> None:
    """A run writes video and log, prints the summary on stdout and messages on stderr, and ends with exit code 0."""
    words = ["--adapt-batch", "4", "--label", "chair", "--compare", "split", "--corrupt-schedule", "0:clean 5:fog:4"]
    ended = command(*ready, *words, "--save", "out.mkv", "--log", "out.jsonl", "--json")
    assert ended.code == 0, ended.err
    summary = json.loads(ended.out)
    assert (summary["frames"], summary["updates"], summary["exit_code"]) == (10, 2, 0)
    assert [(row["corruption"], row["severity"], row["adapted"]["n"]) for row in summary["by_corruption"]] == [
        ("clean", 0, 5),
        ("fog", 4, 5),
    ]
    assert summary["source"]["delivered"] == 10
    assert "fog:4" in ended.err
    records = list(read(tmp_path / "out.jsonl"))
    assert [r["type"] for r in records if r["type"] in ("header", "update", "summary")] == [
        "header", "update", "update", "summary"
    ]  # fmt: skip
    assert [r["i"] for r in records if r["type"] == "frame"] == list(range(10))
    assert records[-1]["accuracy"] == summary["accuracy"]
    assert records[0]["configuration"]["adapt_batch"] == 4
    video = cv2.VideoCapture(str(tmp_path / "out.mkv"), cv2.CAP_FFMPEG)
    assert sum(video.grab() for _ in range(20)) == 10


def test_two_runs_are_equal(command: Command, ready: list[str], tmp_path: Path) -> None:
    """The digest chain of a seeded run repeats."""
    chains = []
    for name in ("a.jsonl", "b.jsonl"):
        words = ["--adapt-batch", "4", "--corrupt", "gaussian_noise:3", "--deterministic", "--log", name]
        assert command(*ready, *words).code == 0
        chains.append(list(read(tmp_path / name))[-1]["chain"])
    assert chains[0] == chains[1]


def test_updates_in_the_background(command: Command, ready: list[str], tmp_path: Path) -> None:
    """Updates are logged after the frame before which they take effect, and the adapted state is saved."""
    words = ["--adapt", "background", "--adapt-batch", "4", "--updates-per-window", "auto", "--memory", "reservoir"]
    kept = ["--log", "out.jsonl", "--state", "state.safetensors", "--json"]
    ended = command(*ready, *words, *kept, "--realtime", "--loop", "3")
    assert ended.code == 0, ended.err
    records = list(read(tmp_path / "out.jsonl"))
    seen = [r["updates"] if r["type"] == "frame" else r["n"] for r in records if r["type"] in ("frame", "update")]
    assert seen == sorted(seen)
    assert len(seen) == 30 + json.loads(ended.out)["updates"] > 30
    assert files.read(tmp_path / "state.safetensors").card["updates"] == str(seen[-1])


def test_a_budget_of_time(command: Command, ready: list[str]) -> None:
    """An update begins when the frames before it have paid for the last one."""
    words = ["--adapt-batch", "2", "--loop", "2", "--json"]
    assert json.loads(command(*ready, *words).out)["updates"] == 10
    assert json.loads(command(*ready, *words, "--budget-ms", "0.001").out)["updates"] == 1


def test_the_input_is_recorded_without_loss(command: Command, ready: list[str], tmp_path: Path) -> None:
    """Each frame of the recording has the digest that the log has of the model's input."""
    words = ["--corrupt", "gaussian_noise:3", "--log", "a.jsonl", "--record-input"]
    assert command(*ready, *words, "a.mkv").code == 0
    crops = [digest(image) for image in frames_of(tmp_path / "a.mkv")]
    assert crops == [record["in"] for record in read(tmp_path / "a.jsonl") if record["type"] == "frame"]
    assert len(crops) == 10
    assert command(*ready, "--record-input", "a.mp4").code == 2
    assert command(*ready, *words[:-1], "--record-input", "a.mkv", "--log", "b.jsonl").code == 7  # it is there


def test_a_labeled_clip_is_played_again(command: Command, ready: list[str], tmp_path: Path) -> None:
    """With its labels, each time."""
    (tmp_path / "clip.labels.csv").write_text("0-4,mug\n5-9,lamp\n", encoding="utf-8")
    assert command(*ready, "--loop", "2", "--log", "a.jsonl").code == 0
    truths = [record["truth"] for record in read(tmp_path / "a.jsonl") if record["type"] == "frame"]
    assert truths == ([*["mug"] * 5, *["lamp"] * 5]) * 2


def test_labels_from_a_sidecar(command: Command, ready: list[str], tmp_path: Path) -> None:
    """`clip.labels.csv` is found automatically."""
    (tmp_path / "clip.labels.csv").write_text("frame,label\n0-3,mug\n", encoding="utf-8")
    summary = json.loads(command(*ready, "--json").out)
    assert summary["accuracy"]["adapted"]["n"] == 4
    assert summary["accuracy"]["frozen"] is None


def test_labels_from_folders(command: Command, ready: list[str], tmp_path: Path) -> None:
    """Folders named by class label the pictures in them."""
    for i, name in enumerate(["mug", "chair", "attic"]):
        write_picture(tmp_path / "set" / name / f"{i}.png", i)
    summary = json.loads(command("--source", "set", *ready[2:], "--json").out)
    assert (summary["frames"], summary["accuracy"]["adapted"]["n"]) == (3, 2)


@pytest.mark.parametrize(
    ("words", "indices"),
    [
        (["--vid-stride", "4"], [0, 4, 8]),
        (["--max-frames", "3"], [0, 1, 2]),
        (["--start", "0.2", "--duration", "0.15"], [4, 5, 6]),
        (["--max-fps", "5"], [0, 4, 8]),
        (["--loop", "2", "--max-frames", "12"], [*range(12)]),
    ],
)
def test_which_frames(command: Command, ready: list[str], tmp_path: Path, words: list[str], indices: list[int]) -> None:
    """Options that select frames select exactly those."""
    assert command(*ready, *words, "--log", "a.jsonl").code == 0
    assert [r["i"] for r in read(tmp_path / "a.jsonl") if r["type"] == "frame"] == indices


def test_crop_mode_corrupts_what_the_model_sees(command: Command, ready: list[str], tmp_path: Path) -> None:
    """On the crop the frame becomes the model's input, and the digests differ from those of the whole frame."""
    inputs = {}
    for on in ("frame", "crop"):
        assert command(*ready, "--corrupt", "gaussian_noise:5", "--corrupt-on", on, "--log", f"{on}.jsonl").code == 0
        inputs[on] = [r["in"] for r in read(tmp_path / f"{on}.jsonl") if r["type"] == "frame"]
    assert inputs["frame"] != inputs["crop"]


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        ([], 2, "no source: give --source"),
        (["--sorce", "x"], 2, "No such option: --sorce"),
        (["--source"], 2, "--source"),
        (["surprise"], 2, "No such command 'surprise'"),
        (["--source", "0", "demo"], 2, "--source comes before `demo`"),
        (["--updates-per-window", "0"], 2, "expected a whole number of at least 1, or auto; got '0'"),
        (["--updates-per-window", "often"], 2, "expected a whole number of at least 1, or auto; got 'often'"),
        (["--source", "gone.mp4"], 3, "no such source: gone.mp4"),
        (["--source", "."], 3, "no pictures in"),
        (["--source", "*.png"], 3, "no pictures in"),
        (["--source", "gopher://x"], 3, "an address must begin with"),
        (["--source", "{NOT_SET_ANYWHERE}"], 2, "NOT_SET_ANYWHERE is not set"),
        ([*READY, "--source", "noise.mp4"], 3, "noise.mp4 is not a video"),
        ([*READY, "--vid-stride", "0"], 2, "--vid-stride: "),
        ([*READY, "--corrupt", "fog:6"], 2, "--corrupt: severity must be an integer from 1"),
        ([*READY, "--corrupt", "fogg"], 2, "did you mean 'fog'"),
        ([*READY, "--corrupt-schedule", "0:fog 0:snow"], 2, "--corrupt-schedule: "),
        ([*READY, "--method", "tnet"], 2, "nearest: tent"),
        ([*READY, "--method", "none", "--lr", "1"], 2, "none has no learning rate"),
        (["--source", "0", "--loop", "2"], 2, "a live source cannot be repeated"),
        ([*READY, "--log", "gone/a.jsonl"], 7, "there is no folder gone"),
        ([*READY, "--log", "."], 7, "it is a folder"),
        ([*READY, "--log", "clip.mkv", "--overwrite"], 2, "--log clip.mkv is the file that is read as --source"),
        ([*READY, "--state", "tiny.safetensors"], 2, "the file that is read as --weights"),
        ([*READY, "--save", "a.gif"], 7, "a.gif"),
        ([*READY, "--save", "a.mkv", "--log", "./a.mkv"], 2, "name the same file"),
        ([*READY, "--config", "gone.toml"], 2, "gone.toml cannot be read"),
        ([*READY, "--weights", "gone.pth"], 6, "gone.pth"),
        ([*READY, "--weights", "noise.safetensors"], 6, "noise.safetensors is damaged"),
        ([*READY, "--label", "mugg"], 2, "nearest: mug"),
        ([*READY, "--truth", "gone.csv"], 2, "gone.csv cannot be read"),
        ([*READY, "--method", "sgd", "--stats", "gone.safetensors"], 6, "gone.safetensors"),
        ([*READY, "--show"], 7, "--show: "),
        ([*READY, "--frost-dir", ".", "--corrupt", "frost"], 2, "frost1.png"),
        ([*READY, "--source", "small.mkv", "--corrupt", "fog"], 2, "at least 32 pixels"),
        (["--source", LONG], 3, "(File name too long)"),
        ([*READY, "--log", LONG], 7, "(File name too long)"),
        ([*READY, "--state", f"{LONG}.safetensors"], 7, "(File name too long)"),
        ([*READY, "--weights", LONG], 6, "(File name too long)"),
        ([*READY, "--corrupt-schedule", LONG], 2, "is neither a file nor a schedule"),
        (["bench", "--model", "demo", "--images", LONG], 3, "is not a folder"),
        (["bench", "--model", "demo", "--imagenet-c", LONG], 3, "expected the layout of ImageNet-C"),
    ],
)
def test_bad_input(command: Command, tmp_path: Path, words: list[str], code: int, what: str) -> None:
    """One line that says what to do, the exit code of the interface, and no traceback."""
    write_clip(tmp_path / "clip.mkv", 2)
    small = cv2.VideoWriter(str(tmp_path / "small.mkv"), cv2.VideoWriter.fourcc(*"FFV1"), 10, (16, 16))
    small.write(cv2.UMat(16, 16, cv2.CV_8UC3).get())
    small.release()
    (tmp_path / "noise.mp4").write_bytes(b"not a video")
    (tmp_path / "noise.safetensors").write_bytes(b"not a model")
    write_model(tmp_path / "tiny.safetensors")
    ended = command(*words)
    assert (ended.code, ended.out) == (code, ""), ended.err
    complaints = [line for line in ended.err.splitlines() if line.startswith("mgtta-cam: ")]
    assert len(complaints) == 1, ended.err
    assert what in complaints[0]
    assert "Traceback" not in ended.err


def test_print_config(command: Command, tmp_path: Path) -> None:
    """The settings on stdout are a file that the program accepts."""
    printed = command("--source", "x.mp4", "--lr", "0.01", "--print-config")
    assert (printed.code, printed.err) == (0, "")
    (tmp_path / "again.toml").write_text(printed.out, encoding="utf-8")
    assert command("--config", "again.toml", "--print-config").out == printed.out


def test_version(command: Command) -> None:
    """One line on stdout."""
    ended = command("--version")
    assert ended.code == 0
    assert ended.out.startswith("mgtta-cam ")


def test_help_has_every_option(command: Command) -> None:
    """--help lists all options of the settings, in their panels, with the beginning of their help texts."""
    ended = command("--help")
    assert ended.code == 0
    for name, info in fields_of_settings().items():
        assert flag(name) in ended.out
        assert info.description.split(":")[0].split(".")[0].split(";")[0][:30] in " ".join(ended.out.split()), name
    for panel in PANELS:
        assert panel in ended.out


@pytest.mark.parametrize("name", ["demo", "stats", "pretrain", "methods", "corruptions", "bench"])
def test_every_command_has_help(command: Command, name: str) -> None:
    """Each sub-command has help, and is listed."""
    ended = command(name, "--help")
    assert ended.code == 0
    assert f"mgtta-cam {name}" in ended.out
    assert name in command("--help").out


def test_lists(command: Command) -> None:
    """Methods and corruptions are listed one per line, names first."""
    from mgtta import METHODS
    from mgtta_cam.corruptions import CORRUPTIONS

    assert [line.split()[0] for line in command("methods").out.splitlines()] == list(METHODS)
    assert [line.split()[0] for line in command("corruptions").out.splitlines()] == list(CORRUPTIONS)


def test_too_few_frames_are_reported(command: Command, ready: list[str]) -> None:
    """A message says that the clip is too short for a window, but not without adaptation."""
    assert "too few frames for a window of --adapt-batch 64" in command(*ready).err
    assert "too few frames" not in command(*ready, "--adapt-batch", "5").err
    assert "too few frames" not in command(*ready, "--method", "none").err


def test_an_empty_source(command: Command) -> None:
    """An empty text, as from an unset shell variable, is an error and not the current folder."""
    assert command("--source", " ").code == 2


def test_quiet(command: Command, ready: list[str]) -> None:
    """-q prints only errors."""
    assert command(*ready, "-q") == (0, "", "")


def test_no_color_where_there_is_no_terminal(command: Command, ready: list[str]) -> None:
    """Output to a pipe has no escape sequences and no live line."""
    assert "\x1b" not in command(*ready).err


def test_internal_errors_are_one_line(command: Command, ready: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An internal error gives exit code 1 and one line, and with -v a traceback."""

    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("mgtta_cam.assembly.session.load_model", broken)
    short = command(*ready)
    assert short.code == 1
    assert "internal error: RuntimeError: a bug" in short.err
    assert "Traceback" not in short.err
    assert "Traceback" in command(*ready, "-v").err


ADDRESSES = [
    "rtsp://me:S3CRET@h/x",
    "rtsp://me:@S3CRET:@h/x",
    "rtsp://me:a/S3CRET@h/x",
    "rtsp://me:S3CRET%40h/x",
    "rtsp://S3CRET@h/x",
    "http://h/x?token=S3CRET",
    "http://h/x?a=1&key=S3CRET#frag",
    "http://h/x?S3CRET",
    "http://h/x#access_token=S3CRET",
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "words",
    [
        ["{}"],
        ["demo", "{}"],
        ["--source", "{}", "--print-config"],
        ["--source={}", "--mode={}"],
        ["--{}"],
        ["--source", "{}", "--corrupt", "{}"],
        ["--source", "{}", "--method", "{}"],
        ["--source", "x{}"],
        ["--source", "{}", "--log", "{}"],
        ["--config", "{}"],
    ],
)
def test_no_secret_is_reported(command: Command, words: list[str], address: str) -> None:
    """No message shows the secret, whatever the error and the place of the address."""
    ended = command(*(word.format(address) for word in words))
    assert "S3CRET" not in ended.out + ended.err


@pytest.mark.parametrize("address", [*ADDRESSES, "rtsp://me:a S3CRET@h/x"])
def test_no_secret_in_a_traceback(
    command: Command, ready: list[str], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """Errors raised by libraries do not show it either."""

    def broken(*_: object) -> None:
        raise RuntimeError(f"[tcp @ 0x1] cannot open {address}")

    monkeypatch.setattr("mgtta_cam.assembly.source.open_source", broken)
    ended = command("--source", address, *ready[2:], "-v")
    assert "Traceback" in ended.err
    assert "S3CRET" not in ended.out + ended.err


def test_what_was_learned_is_taken_up_again(command: Command, ready: list[str], tmp_path: Path) -> None:
    """Two runs of 10 frames with --state end like one of 20; another model or method is an error, and the file stays.

    A reservoir's frames are not part of the state, so these runs adapt to the latest frames.
    """
    learning = [*ready, "--adapt-batch", "5", "--memory", "window", "--deterministic", "--log", "run.jsonl"]
    learning.append("--overwrite")

    def learned() -> str:
        return [record["params"] for record in read(tmp_path / "run.jsonl") if record["type"] == "update"][-1]

    assert command(*learning, "--loop", "2").code == 0
    whole = learned()
    for _ in range(2):
        assert command(*learning, "--state", "state.safetensors").code == 0
    assert learned() == whole
    kept = (tmp_path / "state.safetensors").read_bytes()
    other = command(*ready, "--method", "sar", "--state", "state.safetensors")
    assert (other.code, "expected method sar; it has tent" in other.err) == (2, True)
    write_model(tmp_path / "tiny.safetensors", seed=1)
    other = command(*ready, "--state", "state.safetensors")
    assert (other.code, "expected model digest" in other.err) == (2, True)
    assert (tmp_path / "state.safetensors").read_bytes() == kept
    assert command(*ready, "--state", "state.bin").code == 2
