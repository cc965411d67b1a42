"""Replays: equal to the bit, whatever happened in the run; any difference is found and named."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from mgtta_cam.assembly.session import play_run
from mgtta_cam.config import loading
from mgtta_cam.log.format import read
from mgtta_cam.stream.controls import Controls
from mgtta_cam.types import FrameResult
from tests.mgtta_cam.clips import write_clip
from tests.mgtta_cam.conftest import Command
from tests.mgtta_cam.tiny import write_model

SMALL = ["--adapt-batch", "4", "--label", "chair", "--compare", "split"]
NOISE = ["--corrupt-schedule", "0:clean 3:gaussian_noise:5 7:fog:3"]


def logged(command: Command, ready: list[str], *words: str, name: str = "a.jsonl") -> Path:
    """Make a run with a log."""
    ended = command(*ready, *SMALL, *words, "--log", name)
    assert ended.code == 0, ended.err
    return Path(name)


def replayed(command: Command, path: Path | str, *words: str, code: int = 0) -> Any:
    """Replay a log; returns the verdict, or the error output for a nonzero exit code."""
    ended = command("replay", str(path), "--verify", "--json", *words)
    assert ended.code == code, ended.err
    return json.loads(ended.out)["replay"] if code == 0 else ended.err


def changed(path: Path, old: str, new: str, name: str = "changed.jsonl") -> Path:
    """Copy a log with one place changed."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    changed = Path(name)
    changed.write_text(text.replace(old, new, 1), encoding="utf-8")
    return changed


@pytest.mark.parametrize(
    "words",
    [
        [],
        NOISE,
        [*NOISE, "--corrupt-on", "crop", "--record-input", "a.mkv"],
        [*NOISE, "--record-input", "a.mkv"],
        ["--vid-stride", "2", "--loop", "3", "--start", "0.1"],
        ["--adapt", "background", "--realtime", "--loop", "3"],
        ["--memory", "window", "--adapt-stride", "2", "--adapt-every", "3"],
        ["--memory", "balanced", "--guard", "off", "--adapt-batch", "1"],
        ["--reset-on", "cut"],
        ["--method", "none"],
    ],
    ids=["plain", "noise", "crop", "recorded", "loop", "background", "window", "balanced", "cut", "none"],
)
def test_equal(command: Command, ready: list[str], words: list[str]) -> None:
    """Whatever the way of updating: the same frames, predictions and parameters, to the bit."""
    path = logged(command, ready, *words)
    found = replayed(command, path)
    kinds = [record["type"] for record in read(path)]
    assert found["equal"]
    assert (found["frames_compared"], found["updates_compared"]) == (kinds.count("frame"), kinds.count("update"))
    assert kinds.count("update") > 0 or "none" in words


@pytest.mark.parametrize("method", ["sar", "deyo", "cotta", "t3a", "lame"])
def test_methods(command: Command, ready: list[str], method: str) -> None:
    """Methods replay equally, including those that draw random numbers or adapt no parameters."""
    assert replayed(command, logged(command, ready, "--method", method, *NOISE))["equal"]


@pytest.mark.parametrize("adapt", ["inline", "background"])
def test_keys(command: Command, ready: list[str], adapt: str) -> None:
    """Undos, resets and changes of method are replayed where they happened."""
    assert ready

    class Presser:
        """A sink that presses keys."""

        def __init__(self, controls: Controls) -> None:
            self._controls = controls

        def write(self, result: FrameResult) -> None:
            """Press one key after certain frames."""
            for key in {6: "u", 9: "r", 15: "m", 17: "c", 22: "u", 26: "uu", 33: "m"}.get(result.frame.index, ""):
                self._controls.press(key)

        def close(self) -> None:
            """Do nothing: no resource is held."""

    flags = {"source": "clip.mkv", "model": "tiny", "weights": "tiny.safetensors", "method": "tent", "loop": 4}
    flags |= {"adapt_batch": 2, "guard": "off", "adapt": adapt, "log": "a.jsonl", "show": False, "realtime": True}
    controls = Controls()
    settings = loading.load(flags, environment={})
    assert play_run(settings, controls, [Presser(controls)]).exit_code == 0
    kinds = [record["kind"] for record in read(Path("a.jsonl")) if record["type"] == "event"]
    assert {"undo", "reset", "method", "corruption-change"} <= set(kinds)
    assert replayed(command, "a.jsonl")["equal"]


def test_a_update_that_came_to_nothing(command: Command, ready: list[str]) -> None:
    """An update in progress at an undo is run and discarded again, so that later updates are equal."""
    words = ["--adapt", "background", "--realtime", "--loop", "2", "--guard", "rollback"]
    path = logged(command, ready, *words)
    records = list(read(path))
    place = next(i for i, r in enumerate(records) if r["type"] == "update" and r["n"] == 2)
    frames = records[place]["frames"]
    undo = {"v": 1, "t": 0.5, "type": "event", "kind": "undo", "method": "tent", "updates": 0, "dropped": frames}
    cut = [*records[:place], undo, *(r for r in records[place + 1 : place + 2] if r["type"] == "frame")]
    Path("b.jsonl").write_text("".join(json.dumps(r) + "\n" for r in cut), encoding="utf-8")
    ended = command("replay", "b.jsonl", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["frames"] == sum(r["type"] == "frame" for r in cut)


def test_packed_torn_and_killed(command: Command, ready: list[str]) -> None:
    """A truncated log is replayed up to its end."""
    path = logged(command, ready, *NOISE, name="a.jsonl.gz")
    assert replayed(command, path)["equal"]
    text = gzip.decompress(path.read_bytes())
    Path("torn.jsonl").write_bytes(text[: text.rindex(b'"type":"frame"') + 50])
    found = replayed(command, "torn.jsonl")
    assert (found["equal"], found["frames_compared"]) == (True, 9)


def test_saved_again(command: Command, ready: list[str]) -> None:
    """A replay can be saved as a video."""
    path = logged(command, ready, *NOISE)
    assert command("replay", str(path), "--save", "again.mkv").code == 0
    assert Path("again.mkv").stat().st_size > 1000
    assert command("replay", str(path), "--save", "again.mkv").code == 7


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"out":"', '"out":"x', "frame 0, after 0 updates: the prediction differs"),
        ('"H":', '"H":1', "frame 0: H is"),
        ('"in":"', '"in":"x', "frame 0: the input differs"),
        ('"params":"', '"params":"x', "update 1, after frame 3: params is"),
        ('"digests":"', '"digests":"x', "update 1, after frame 3: "),
        ('"dnorm":', '"dnorm":9', "update 1, after frame 3: dnorm is 9"),
        ('"frames":[0', '"frames":[9', "update 1 was made of frame 9"),
        ('"frames":[0,1', '"frames":[1,0', "update 1, after frame 3: "),
        ('"ok":false', '"ok":true', "frame 0: ok is False; the log has True"),
    ],
    ids=["prediction", "entropy", "input", "parameters", "tensor", "distance", "member", "order", "truth"],
)
def test_changed_logs(command: Command, ready: list[str], old: str, new: str, said: str) -> None:
    """The error names the first difference, and the changed lines."""
    said = said.replace("dnorm is 9", "dnorm is")
    path = changed(logged(command, ready), old, new)
    words = replayed(command, path, code=9)
    assert said in words
    assert "was made of" in words or "do not match their digest" in words


def test_a_change_that_no_replay_sees(command: Command, ready: list[str]) -> None:
    """A changed time makes no difference to the replay, but the seal shows that the log was changed."""
    path = changed(logged(command, ready), '"pts_ms":50.0', '"pts_ms":59.0')
    assert re.search(r"lines \d+ to \d+ of changed\.jsonl do not match", replayed(command, path, code=9))
    ended = command("replay", str(path))
    assert (ended.code, "do not match their digest" in ended.err) == (0, True)


def test_the_tensor_is_named(command: Command, ready: list[str]) -> None:
    """A changed tensor is named, with the approximate size of the difference."""
    path = logged(command, ready)
    update = next(record for record in read(path) if record["type"] == "update")
    digests = update["tensors"]["digests"]
    other = digests[:4] + ("0000" if digests[4:8] != "0000" else "1111") + digests[8:]
    words = replayed(command, changed(path, digests, other), code=9)
    name = next(read(path))["adapted"][1]
    assert f"1 of {len(update['tensors']['moved'])} tensors differ, the first is {name}, by about 0.0e+00" in words


def test_a_changed_picture(command: Command, ready: list[str]) -> None:
    """A changed picture in the recording: the frame is named."""
    path = logged(command, ready, "--record-input", "a.mkv")
    other = logged(command, ready, "--corrupt-schedule", "6:pixelate:5", "--record-input", "b.mkv", name="b.jsonl")
    assert "frame 6: the input differs" in replayed(command, path, "--recording", "b.mkv", code=9)
    assert replayed(command, other)["equal"]
    write_clip(Path("short.mkv"), 4)
    assert "the recording ends after 4 pictures" in replayed(command, path, "--recording", "short.mkv", code=9)


def test_other_files(command: Command, ready: list[str]) -> None:
    """Another clip, other weights or a missing recording are reported before anything runs."""
    path = logged(command, ready)
    write_model(Path("tiny.safetensors"), seed=1)
    assert "tiny has different weights than in the log" in replayed(command, path, code=9)
    write_model(Path("tiny.safetensors"))
    Path("clip.mkv").rename("moved.mkv")
    write_clip(Path("clip.mkv"), 11)
    assert "clip.mkv is not the file that was played" in replayed(command, path, code=9)
    Path("clip.mkv").unlink()
    assert "no such source" in replayed(command, path, code=3)
    assert "there is no such file" in replayed(command, path, "--recording", "none.mkv", code=3)
    assert replayed(command, path, "--source", "moved.mkv")["equal"]


def test_live_runs(command: Command, ready: list[str]) -> None:
    """Frames of a live source are gone unless they were recorded."""
    path = changed(logged(command, ready), '"kind":"video"', '"kind":"stream"')
    assert "--record-input" in replayed(command, path, code=3)


@pytest.mark.parametrize("name", ["a.jsonl", "a.mkv", "clip.mkv"])
def test_what_is_read_is_not_written(command: Command, ready: list[str], name: str) -> None:
    """Neither log nor recording nor source is overwritten, even with --overwrite."""
    path = logged(command, ready, "--record-input", "a.mkv")
    before = Path(name).read_bytes()
    assert "is the file that is read as" in replayed(command, path, "--save", name, "--overwrite", code=2)
    assert Path(name).read_bytes() == before


def test_what_was_learned_before(command: Command, ready: list[str]) -> None:
    """A run that started from a state is replayed from a copy of that state only."""
    words = ["--state", "s.safetensors"]
    logged(command, ready, *words)
    Path("before.safetensors").write_bytes(Path("s.safetensors").read_bytes())
    path = logged(command, ready, *words, name="b.jsonl")
    assert "give it with --state" in replayed(command, path, code=2)
    assert "is not what the run began with" in replayed(command, path, "--state", "s.safetensors", code=2)
    assert "no such file" in replayed(command, path, "--state", "none.safetensors", code=2)
    Path("before.safetensors").chmod(0o444)
    before = Path("before.safetensors").read_bytes()
    assert replayed(command, path, "--state", "before.safetensors")["equal"]
    assert Path("before.safetensors").read_bytes() == before
    assert command("replay", str(path), "--what-if", "method=none").code == 0  # which starts from the source model


def test_tolerance(command: Command, ready: list[str]) -> None:
    """With a tolerance digests are ignored, and numbers beyond it are not."""
    path = changed(logged(command, ready), '"out":"', '"out":"x')
    ended = command("replay", str(path), "--tolerance", "0.001")
    assert ended.code == 0
    words = " ".join(ended.err.split())
    assert "10 of 10 frames and 2 of 2 updates match the log, but lines" in words
    entropy = next(record["H"] for record in read(path) if record["type"] == "frame")
    other = changed(path, f'"H":{entropy}', f'"H":{entropy + 0.01:.3f}')
    assert "frame 0: H is" in replayed(command, other, "--tolerance", "0.001", code=9)
    assert "do not match their digest" in replayed(command, other, "--tolerance", "0.1", code=9)


@pytest.mark.parametrize("content", ["", "no log\n", '{"v":1,"type":"frame","t":0}\n'], ids=["empty", "words", "frame"])
def test_no_logs(command: Command, content: str) -> None:
    """A file that is not a log: one line, exit code 2."""
    Path("a.jsonl").write_text(content, encoding="utf-8")
    ended = command("replay", "a.jsonl")
    assert (ended.code, ended.err.count("\n"), "--log" in ended.err) == (2, 1, True)
    assert command("replay", "none.jsonl").code == 2
    assert command("replay", str(Path.cwd())).code == 2


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ('"configuration":{', '"configuratiom":{', 2, "the header lacks a valid 'configuration'"),
        ('"source":{', '"source":[],"sourcf":{', 2, "the header lacks a valid 'source'"),
        ('"method":"tent"', '"method":"tend"', 2, "no method 'tend'"),
        ('"v":1', '"v":2', 2, "is a log of version 2; this program reads 1"),
        ('"updates":0', '"updates":null', 9, "line 4: the frame line lacks a valid 'updates'"),
        ('"params":"', '"params":7,"p":"', 9, "the update line lacks a valid 'params'"),
    ],
    ids=["settings", "source", "method", "version", "frame", "update"],
)
def test_odd_lines(command: Command, ready: list[str], old: str, new: str, code: int, said: str) -> None:
    """A missing field or one of the wrong type is named on one line."""
    assert said in replayed(command, changed(logged(command, ready), old, new), code=code)


def test_nothing_to_verify(command: Command, ready: list[str]) -> None:
    """A log without frames verifies nothing, and so does not pass."""
    first = logged(command, ready).read_text(encoding="utf-8").splitlines(keepends=True)[0]
    Path("b.jsonl").write_text(first, encoding="utf-8")
    assert "has no frame" in replayed(command, "b.jsonl", code=2)


def test_damage_in_the_middle(command: Command, ready: list[str]) -> None:
    """A line that cannot be read is named."""
    path = changed(logged(command, ready), '"type":"frame","i":4', '"type":"frame""i":4')
    words = replayed(command, path, code=9)
    assert "line " in words
    assert "is not a log record" in words


def test_other_software_is_told(command: Command, ready: list[str]) -> None:
    """Other software is reported, because the last bits may differ."""
    path = logged(command, ready)
    version = next(read(path))["versions"]["torch"]
    ended = command("replay", str(changed(path, f'"torch":"{version}"', '"torch":"1.0"')))
    assert f"differs from the recorded run: torch 1.0 then, {version} now" in " ".join(ended.err.split())


def test_nothing_is_left_behind(command: Command, ready: list[str], tmp_path: Path) -> None:
    """A replay writes nothing unless asked to."""
    path = logged(command, ready, "--record-input", "a.mkv", "--save", "a.webm")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    assert replayed(command, path)["equal"]
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
