"""Several streams on one model, as a user asks for them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import pytest

from mgtta_cam.assembly.multi_stream import assemble_all, own_settings
from mgtta_cam.assembly.pipeline import build_pipeline as built_pipeline
from mgtta_cam.config import loading
from mgtta_cam.config.settings import Settings
from mgtta_cam.errors import UsageError
from mgtta_cam.log.format import Record, read
from mgtta_cam.stream.controls import Controls
from mgtta_models import Backbone
from tests.mgtta_cam.clips import write_clip
from tests.mgtta_cam.conftest import Command

LOGGED = 1.5e-3  # numbers that differ in their last bits may be written as neighbors of three decimals
WAY = ["--adapt-batch", "4", "--lr", "0.01", "--corrupt", "gaussian_noise:3", "--label", "chair"]


def others(ready: list[str], *sources: str) -> list[str]:
    """The options of a run with further sources."""
    return [*ready, *(word for source in sources for word in ("--source", source))]


def frames_and_updates(path: Path) -> tuple[list[Record], list[str]]:
    """Of a log."""
    records = list(read(path))
    return [r for r in records if r["type"] == "frame"], [r["params"] for r in records if r["type"] == "update"]


@pytest.mark.parametrize("runtime", ["torch", "onnx"])
def test_each_stream_is_as_if_it_ran_alone(command: Command, ready: list[str], tmp_path: Path, runtime: str) -> None:
    """What is seen and learned is equal to the bit, answers are up to rounding; each log is replayed by itself."""
    write_clip(tmp_path / "long.mkv", 14)
    ended = command(*others(ready, "long.mkv", "clip.mkv"), *WAY, "--runtime", runtime, "--log", "run.jsonl", "--json")
    assert ended.code == 0, ended.err
    facts = json.loads(ended.out)
    assert [one["frames"] for one in facts["streams"]] == [10, 14, 10]
    assert (facts["frames"], facts["exit_code"]) == (34, 0)
    assert "3 streams: 34 frames" in ended.err
    for number, source in enumerate(("clip.mkv", "long.mkv", "clip.mkv"), start=1):
        alone = command("--source", source, *ready[2:], *WAY, "--runtime", runtime, "--log", f"alone-{number}.jsonl")
        assert alone.code == 0, alone.err
        beside, updates = frames_and_updates(Path(f"run-{number}.jsonl"))
        expected, taught = frames_and_updates(Path(f"alone-{number}.jsonl"))
        assert updates == taught
        assert len(updates) >= 2
        for one, other in zip(beside, expected, strict=True):
            assert (one["in"], one["updates"]) == (other["in"], other["updates"])
            assert [name for name, _ in one["top"]] == [name for name, _ in other["top"]]
            numbers, expected_numbers = ([r["H"], *(p for _, p in r["top"])] for r in (one, other))
            assert numbers == pytest.approx(expected_numbers, abs=LOGGED)
    if runtime == "onnx":  # torch's last bits depend on how many are answered at once
        for number in (1, 2, 3):
            replayed = command("replay", f"run-{number}.jsonl", "--verify", "--json")
            assert replayed.code == 0, replayed.err
            assert json.loads(replayed.out)["replay"]["equal"]


def test_updates_beside_the_loop(command: Command, ready: list[str]) -> None:
    """Each stream has its own teacher; one update is given at a time."""
    ended = command(*others(ready, "clip.mkv"), *WAY, "--adapt", "background", "--realtime", "--log", "run.jsonl")
    assert ended.code == 0, ended.err
    assert all(len(frames_and_updates(Path(f"run-{k}.jsonl"))[0]) == 10 for k in (1, 2))


def test_the_grid_as_a_video(command: Command, ready: list[str]) -> None:
    """One picture of all, as often as all have moved on, and for longer ones to their end."""
    ended = command(*others(ready, "clip.mkv"), "--save", "grid.mkv")
    assert ended.code == 0, ended.err
    video = cv2.VideoCapture("grid.mkv")
    count = 0
    while (read_one := video.read())[0]:
        count += 1
        assert read_one[1].shape == (900, 1600, 3)
    assert count == 10


def test_one_stream_fails_and_the_rest_go_on(command: Command, ready: list[str], tmp_path: Path) -> None:
    """It is named, with its cause; the exit code is its; the logs of all are whole."""
    write_clip(tmp_path / "torn.mkv", 40)
    data = (tmp_path / "torn.mkv").read_bytes()
    (tmp_path / "torn.mkv").write_bytes(data[: len(data) // 2])
    ended = command(*others(ready, "torn.mkv"), "--strict", "--log", "run.jsonl")
    assert ended.code == 5, ended.err
    assert "stream 2: " in ended.err
    assert frames_and_updates(Path("run-1.jsonl"))[0][-1]["i"] == 9
    codes = [list(read(Path(f"run-{k}.jsonl")))[-1]["exit_code"] for k in (1, 2)]
    assert codes == [0, 5]


def test_what_cannot_be_done_with_several(command: Command, ready: list[str]) -> None:
    """One line each, before anything is written."""
    for more, word in (
        (["--web", "127.0.0.1:0"], "--web"),
        (["--truth", "clip.csv"], "--truth"),
        (["--log", "clip.mkv"], "clip-1.mkv"),
    ):
        if word == "clip-1.mkv":
            Path(word).touch()
        ended = command(*others(ready, "clip.mkv"), *more)
        assert (ended.code in (2, 7), word in ended.err) == (True, True), ended.err
    shutil.copy("clip.mkv", "again-1.mkv")
    ended = command(*others(ready, "again-1.mkv"), "--record-input", "again.mkv", "--overwrite")
    assert (ended.code, "is read as --source of stream 2" in ended.err) == (2, True), ended.err
    ended = command(*others(ready, "absent.mkv"), "--log", "run.jsonl")
    assert (ended.code, "absent.mkv" in ended.err, Path("run-1.jsonl").exists()) == (3, True, False)


def test_one_model_is_in_memory(ready: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All weights are shared but for the norms."""
    monkeypatch.chdir(tmp_path)
    flags = dict(zip([word[2:] for word in ready[2::2]], ready[3::2], strict=True))
    each = loading.load_each({**flags, "source": ["clip.mkv"] * 3, "show": False}, environment={})
    seen: list[Backbone] = []
    plain = built_pipeline

    def build_pipeline(settings: Settings, backbone: Backbone, *more: Any) -> Any:
        seen.append(backbone)
        return plain(settings, backbone, *more)

    monkeypatch.setattr("mgtta_cam.assembly.session.build_pipeline", build_pipeline)
    for one in assemble_all(each, ["x"], [Controls() for _ in each], [lambda *_, **__: None] * 3):
        one.close()
    first, *rest = seen
    own = set(first.norm_parameters())
    for other in rest:
        for name, parameter in other.vit.named_parameters():
            assert (parameter is first.vit.get_parameter(name)) != (name in own)
        assert other.norm_vector.data_ptr() != first.norm_vector.data_ptr()
        assert other.engine is first.engine


def test_sources_in_a_file(tmp_path: Path) -> None:
    """A list stands for several; one on the command line or in the environment takes its place."""
    path = tmp_path / "settings.toml"
    path.write_text('source = ["a.mkv", "b.mkv"]\nlog = "run.jsonl"\n', encoding="utf-8")
    each = loading.load_each({}, environment={}, file=path)
    assert [one.source for one in each] == ["a.mkv", "b.mkv"]
    assert [str(own_settings(one, k).log) for k, one in enumerate(each, start=1)] == ["run-1.jsonl", "run-2.jsonl"]
    again = tmp_path / "again.toml"
    again.write_text(loading.to_toml(*each), encoding="utf-8")
    assert loading.load_each({}, environment={}, file=again) == each
    assert [one.source for one in loading.load_each({"source": ["c"]}, environment={}, file=path)] == ["c"]
    assert [one.source for one in loading.load_each({}, environment={"MGTTA_CAM_SOURCE": "d"}, file=path)] == ["d"]
    path.write_text("source = [0, '1']\n", encoding="utf-8")
    assert [one.source for one in loading.load_each({}, environment={}, file=path)] == ["0", "1"]
    path.write_text("source = 2\n", encoding="utf-8")
    assert [one.source for one in loading.load_each({}, environment={}, file=path)] == ["2"]
    path.write_text("source = []\n", encoding="utf-8")
    assert [one.source for one in loading.load_each({"source": ["c"]}, environment={}, file=path)] == ["c"]
    with pytest.raises(UsageError, match="--source"):
        loading.load_each({}, environment={}, file=path)


def test_a_rehearsal_of_several(command: Command, ready: list[str]) -> None:
    """It sees what the run would see: each stream's own outputs, and what several cannot have."""
    ended = command(*others(ready, "clip.mkv"), "--log", "run.jsonl", "--dry-run")
    assert (ended.code, "run-2.jsonl" in ended.out) == (0, True), ended.err
    ended = command(*others(ready, "clip.mkv"), "--log", "run.jsonl", "--dry-run", "--json")
    assert [one["outputs"]["log"] for one in json.loads(ended.out)["streams"]] == ["run-1.jsonl", "run-2.jsonl"]
    Path("run-2.jsonl").touch()
    ended = command(*others(ready, "clip.mkv"), "--log", "run.jsonl", "--dry-run")
    assert (ended.code, ended.out, "run-2.jsonl" in ended.err) == (7, "", True)
    assert command(*others(ready, "clip.mkv"), "--web", "127.0.0.1:0", "--dry-run").code == 2


@pytest.mark.parametrize(
    ("given", "second"),
    [
        ("run.jsonl", "run-2.jsonl"),
        ("run.jsonl.gz", "run-2.jsonl.gz"),
        ("cam.0.jsonl", "cam.0-2.jsonl"),
        ("my.run/cam.0.jsonl.gz", "my.run/cam.0-2.jsonl.gz"),
        ("run", "run-2"),
        ("/dev/full", "/dev/full"),
    ],
)
def test_names_of_outputs(given: str, second: str) -> None:
    """The number stands before what says the kind; a device stays what it is."""
    assert own_settings(loading.load({"log": given}, environment={}), 2).log == Path(second)


def test_what_is_said_of_each(command: Command, ready: list[str]) -> None:
    """As of a run alone: what it came to, what it did under each corruption, whether it learned."""
    ended = command(*others(ready, "clip.mkv"), "--label", "chair", "--corrupt", "fog:2")
    assert ended.code == 0, ended.err
    assert ended.err.count("fog:2") == 2
    assert "stream 2: no update: too few frames" in ended.err
