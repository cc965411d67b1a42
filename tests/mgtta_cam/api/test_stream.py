"""The front door for Python: results, steering, an orderly end whatever the caller does."""

from __future__ import annotations

import gc
import inspect
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import mgtta_cam
from mgtta_cam.errors import SourceError, UsageError
from mgtta_cam.log.format import read
from mgtta_models import Backbone, load_backbone
from tests.mgtta_cam.clips import frames, write_clip
from tests.mgtta_cam.tiny import CLASSES, write_model

FEW: dict[str, Any] = {"method": "tent", "adapt_batch": 4, "memory": "window", "guard": "off", "device": "cpu"}


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Settings of a model of a few kilobytes, in an empty folder with a clip of ten frames."""
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "clip.mkv", 10)
    return {"model": "tiny", "weights": write_model(tmp_path / "tiny.safetensors"), "runtime": "torch", **FEW}


def images(count: int) -> Iterator[np.ndarray]:
    """RGB arrays."""
    return (frame.image for frame in frames(count))


def under_way() -> list[str]:
    """Names of threads that a stream has left behind."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("mgtta-cam")]


def test_results(tiny: dict[str, Any]) -> None:
    """One a frame, with all that the page on Python names."""
    results = list(mgtta_cam.stream("clip.mkv", compare=True, corrupt="fog:3", label="hat", **tiny))
    assert [result.index for result in results] == list(range(10))
    first, fourth = results[0], results[3]
    assert (first.image.dtype, first.image.ndim, first.truth, first.rejected) == (np.uint8, 3, "hat", None)
    assert first.label == CLASSES[first.top1]
    assert first.top(2)[0] == (first.label, pytest.approx(first.confidence))
    assert first.probabilities.sum() == pytest.approx(1)
    assert first.frozen is not None
    assert first.frozen.label in CLASSES
    assert (first.update, fourth.update is not None and fourth.update.number) == (None, 1)
    assert results[-1].score is not None
    assert results[-1].score.n == 10
    assert first.latency_ms > 0
    assert repr(first).startswith("Result(0, ")


def test_a_result_as_the_logs_line(tiny: dict[str, Any]) -> None:
    """`to_dict` is what the log has of the frame, but for what depends on the clock."""
    results = list(mgtta_cam.stream("clip.mkv", log="a.jsonl", **tiny))
    lines = [record for record in read(Path("a.jsonl")) if record["type"] == "frame"]
    timed = ("v", "t", "ms", "age_ms")
    for result, line in zip(results, lines, strict=True):
        own = json.loads(json.dumps(result.to_dict()))
        assert {k: v for k, v in own.items() if k not in timed} == {k: v for k, v in line.items() if k not in timed}


def test_to_supervision(tiny: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """All classes with their probabilities; without the package, one line that says what to install."""
    [result] = mgtta_cam.stream(images(1), **tiny)
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(ImportError, match="pip install supervision"):
        result.to_supervision()
    stand_in = ModuleType("supervision")
    stand_in.Classifications = lambda **parts: parts  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "supervision", stand_in)
    found = result.to_supervision()
    assert found["class_id"].tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(found["confidence"], result.probabilities.astype(np.float32))


def test_arrays_of_a_program(tiny: dict[str, Any]) -> None:
    """With their own times where they have them; a maker may reuse its memory."""
    assert [r.seconds for r in mgtta_cam.stream(((image, 2.5 * i) for i, image in enumerate(images(3))), **tiny)] == [
        *(0.0, 2.5, 5.0)
    ]
    buffer = np.zeros((64, 64, 3), np.uint8)

    def reused() -> Iterator[np.ndarray]:
        for i in range(4):
            buffer[:] = 50 * i
            yield buffer

    assert [int(r.image.max()) for r in mgtta_cam.stream(reused(), **tiny)] == [0, 50, 100, 150]


@pytest.mark.parametrize(
    ("item", "came"),
    [
        (np.zeros((4, 4), np.uint8), r"uint8 \[4, 4\]"),
        (np.zeros((4, 4, 3)), r"float64 \[4, 4, 3\]"),
        ("frame.png", "str"),
    ],
)
def test_what_is_no_picture(tiny: dict[str, Any], item: object, came: str) -> None:
    """It is named, with what was expected."""
    with pytest.raises(
        UsageError, match=rf"item 0 of the source: expected an RGB array, uint8 \[h, w, 3\].*got {came}"
    ):
        list(mgtta_cam.stream([item], **tiny))


@pytest.mark.parametrize("seconds", [(0.0, float("nan")), (1.0, 0.5), (0.0, "x")])
def test_times_that_cannot_be(tiny: dict[str, Any], seconds: tuple[object, object]) -> None:
    """Seconds are finite and do not go back; the message has the value."""
    pairs = zip(images(2), seconds, strict=True)
    with pytest.raises(UsageError, match="item 1 of the source: expected seconds that are finite and do not go back"):
        list(mgtta_cam.stream(pairs, **tiny))


def test_models_of_the_caller(tiny: dict[str, Any]) -> None:
    """A Backbone and a timm module work as a name does, and keep their norms; what they learn is the stream's own."""
    options = {name: value for name, value in tiny.items() if name not in ("model", "weights")}
    named = [result.probabilities for result in mgtta_cam.stream("clip.mkv", lr=0.1, **tiny)]
    backbone = load_backbone("tiny", tiny["weights"], device="cpu")
    before = {name: p.clone() for name, p in backbone.norm_parameters().items()}
    given = [result.probabilities for result in mgtta_cam.stream("clip.mkv", model=backbone, lr=0.1, **options)]
    np.testing.assert_array_equal(named, given)
    assert all(torch.equal(p, before[name]) for name, p in backbone.norm_parameters().items())
    vit = Backbone(backbone.vit).vit
    assert len(list(mgtta_cam.stream("clip.mkv", model=vit, **options))) == 10


def test_sinks_and_events(tiny: dict[str, Any]) -> None:
    """A sink gets each result once, before the loop's body; a handler gets events."""
    seen: list[int] = []
    events: list[str] = []

    def on_event(kind: str, /, **_: Any) -> None:
        events.append(kind)

    for result in mgtta_cam.stream("clip.mkv", sinks=[lambda r: seen.append(r.index)], on_event=on_event, **tiny):
        assert seen[-1] == result.index
    assert seen == list(range(10))
    assert "open" in events


def ended(path: str) -> dict[str, Any]:
    """The last line of a log."""
    *_, last = read(Path(path))
    return last


def test_leaving_early(tiny: dict[str, Any]) -> None:
    """A break, an error in the body, and garbage collection close files and threads."""
    stream = mgtta_cam.stream("clip.mkv", log="a.jsonl", **tiny)
    for result in stream:
        if result.index == 2:
            break
    del stream
    gc.collect()
    assert (ended("a.jsonl")["type"], ended("a.jsonl")["exit_code"], under_way()) == ("summary", 0, [])

    def fails() -> None:
        with mgtta_cam.Stream("clip.mkv", log="b.jsonl", **tiny) as own:
            for _ in own:
                raise ArithmeticError

    with pytest.raises(ArithmeticError):
        fails()
    assert (ended("b.jsonl")["type"], under_way()) == ("summary", [])


def test_errors_are_raised(tiny: dict[str, Any]) -> None:
    """What is wrong with a setting at once, with a source when it is opened; what happens later after all is closed."""
    with pytest.raises(UsageError, match="unknown option 'vid_strid'"):
        mgtta_cam.stream("clip.mkv", vid_strid=2, **tiny)
    with pytest.raises(SourceError, match="no such source"):
        next(iter(mgtta_cam.stream("absent.mkv", **tiny)))
    with pytest.raises(UsageError, match="sinks are functions of a result"):
        mgtta_cam.stream("clip.mkv", sinks=[3], **tiny)  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match="the stream is not running"):
        mgtta_cam.Stream("clip.mkv", **tiny).snapshot()

    def broken() -> Iterator[np.ndarray]:
        yield from images(2)
        raise ArithmeticError("camera on fire")

    results = mgtta_cam.stream(broken(), log="a.jsonl", **tiny)
    with pytest.raises(ArithmeticError, match="camera on fire"):
        list(results)
    assert ended("a.jsonl")["exit_code"] == 1
    assert under_way() == []


def test_steering(tiny: dict[str, Any]) -> None:
    """What keys do in the window: adapt off, reset, undo, snapshot; state and export are files."""
    with mgtta_cam.Stream(images(40), **{**tiny, "lr": 0.1}) as stream:
        updates: list[int] = []
        for result in stream:
            updates.append(result.to_dict()["updates"])
            match result.index:
                case 9:
                    stream.save_state("s.safetensors")
                    stream.export("adapted.onnx")
                    assert stream.snapshot().is_file()
                case 19:
                    stream.reset()
                case 29:
                    stream.adapt(adapting=False)
                case _:
                    pass
        assert stream.stats()["frames"] == 40
    assert updates[19] >= 4
    assert updates[21] == 0
    assert updates[39] == updates[32]
    assert Path("adapted.onnx").stat().st_size > 1000
    first = next(iter(mgtta_cam.stream(images(1), state="s.safetensors", **{**tiny, "lr": 0.1})))
    assert first.to_dict()["updates"] >= 2
    assert stream.stats()["exit_code"] == 0


def test_undo_and_stop(tiny: dict[str, Any]) -> None:
    """The last update is taken back; `stop` ends the loop."""
    events: list[str] = []
    options = {**tiny, "guard": "rollback"}

    def on_event(kind: str, /, **_: Any) -> None:
        events.append(kind)

    with mgtta_cam.Stream(images(40), on_event=on_event, **options) as stream:
        count = 0
        for result in stream:
            count += 1
            if result.index == 9:
                stream.undo()
            if result.index == 14:
                stream.stop()
    assert "undo" in events
    assert count < 20


def test_rooms_and_functions_share_names() -> None:
    """`mgtta_cam.stream` is a room of modules and a function, and says both to those who look."""
    import mgtta_cam.bench.cells
    import mgtta_cam.replay.tape
    import mgtta_cam.stream.session

    for function in (mgtta_cam.stream, mgtta_cam.bench, mgtta_cam.replay):
        assert callable(function)
        assert next(iter(inspect.signature(function).parameters)) in ("source", "images", "log")
    assert mgtta_cam.stream.session.Session
