"""Injected faults."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mgtta_cam.sources.backoff import Backoff
from mgtta_cam.sources.chaos import KINDS, Chaos, Fault, parse
from mgtta_cam.sources.live import LiveSource
from mgtta_cam.sources.video import VideoSource
from tests.mgtta_cam.clips import write_clip
from tests.mgtta_cam.fault_server import FaultServer, Visit

FPS = 25


class Camera:
    """Delivers a gray picture every 40 ms of its own clock; picture n has the value n."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def read(self) -> tuple[bool, Any]:
        """The next one."""
        self.now += 1 / FPS
        return True, np.full((40, 60, 3), round(self.now * FPS) % 256, np.uint8)

    def get(self, propId: int) -> float:
        """Only the time."""
        return self.now * 1000 if propId == cv2.CAP_PROP_POS_MSEC else 0.0

    def isOpened(self) -> bool:  # noqa: N802  OpenCV's name
        """Always."""
        return True

    def release(self) -> None:
        """Does nothing."""

    def sleep(self, seconds: float) -> None:
        """Advances the clock."""
        self.slept.append(seconds)
        self.now += seconds


class Rig:
    """A camera with faults; one of its seconds is `FPS` reads."""

    def __init__(self, text: str, **options: Any) -> None:
        self.camera, self.events = Camera(), []
        self.chaos = Chaos(
            parse(text),
            options.pop("read_timeout_s", 2.0),
            live=options.pop("live", True),
            emit=lambda kind, **facts: self.events.append((kind, facts["fault"])),
            clock=lambda: self.camera.now,
            sleep=self.camera.sleep,
            **options,
        )
        self.capture = self.chaos(self.camera)

    def read(self, count: int) -> list[int | None]:
        """Values of the pictures, None for failed reads."""
        reads = [self.capture.read() for _ in range(count)]
        return [int(picture[0, 0, 0]) if ok else None for ok, picture in reads]


def test_parsing() -> None:
    """Kind, value and time are parsed, and formatting gives the same text."""
    faults = parse("stall:5s@30 cut@60, bitflip:1e-5")
    assert faults == (Fault("stall", 5.0, 30.0), Fault("cut", None, 60.0), Fault("bitflip", 1e-5, 0.0))
    assert parse(" ".join(map(str, faults))) == faults
    assert parse(" ") == ()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("stal:5s@30", "'stal:5s@30'; known faults: stall (no picture arrives for this time)"),
        ("cut at 60", "got 'at'"),
        ("stall@30", "stall needs a value"),
        ("cut:5@30", "cut takes no value"),
        ("bitflip:2", "expected a value above 0 and at most 1 in 'bitflip:2'"),
        ("black:0s@1", "expected a value above 0"),
        ("stall:1.2.3@4", "expected numbers in 'stall:1.2.3@4'"),
        ("stall:1@1..2", "expected numbers"),
    ],
)
def test_what_cannot_be_read(text: str, what: str) -> None:
    """The error says what was expected, and lists the known faults."""
    with pytest.raises(ValueError, match=re.escape(what)):
        parse(text)


def test_without_faults_nothing_changes() -> None:
    """Without faults, pictures are those of the camera."""
    assert Rig("").read(3) == [1, 2, 3]


@pytest.mark.parametrize("live", [True, False])
def test_black_and_frozen(live: bool) -> None:
    """The fault lasts for its duration; then pictures continue normally."""
    rig = Rig("black:0.2@1 freeze:0.2@2", live=live)
    expected = list(range(1, 76))
    expected[25:30] = [0] * 5
    expected[50:55] = [51] * 5
    assert rig.read(75) == expected
    assert rig.events == [("chaos", "black:0.2s@1"), ("chaos", "freeze:0.2s@2")]


def test_a_short_stall_is_only_late() -> None:
    """The read returns after the stall."""
    for live in (True, False):
        rig = Rig("stall:1.5s@1", live=live)
        assert None not in rig.read(50)
        assert rig.camera.slept == pytest.approx([1.5])


def test_a_long_stall_is_a_time_out() -> None:
    """Reads fail, each after the timeout, until the stall is over, even after a reconnect."""
    rig = Rig("stall:5s@1")
    assert rig.read(25)[-1] is not None
    assert rig.read(1) == [None]
    rig.capture = rig.chaos(rig.camera)
    assert [value is None for value in rig.read(3)] == [True, False, False]
    assert rig.camera.slept == pytest.approx([2.0, 2.0, 1.0])


def test_a_cut_ends_a_connection() -> None:
    """No picture follows; a new connection works, and time goes on."""
    rig = Rig("cut@1 cut@100")
    assert None not in rig.read(25)
    assert rig.read(3) == [None] * 3
    rig.capture = rig.chaos(rig.camera)
    assert None not in rig.read(25)


def test_share_of_what_cannot_be_decoded() -> None:
    """About this share of reads fails, the same ones for each seed."""
    first, again, other = ([value is None for value in Rig("corrupt:0.2", seed=seed).read(1000)] for seed in (1, 1, 2))
    assert sum(first) == pytest.approx(200, abs=40)
    assert first == again != other


def test_bit_flips() -> None:
    """About this share of bits differs, and the camera's own picture does not change."""
    rig = Rig("bitflip:0.01")
    picture = rig.capture.read()[1]
    flipped = np.unpackbits(picture ^ np.uint8(1)).sum()
    assert flipped == pytest.approx(0.01 * picture.size * 8, rel=0.3)


def test_another_size() -> None:
    """Pictures have the new size from then on."""
    capture = Rig("resize:0.5@0.04").capture
    assert [capture.read()[1].shape for _ in range(2)] == [(40, 60, 3), (20, 30, 3)]


def test_every_kind_is_reported() -> None:
    """Every kind of fault emits an event, so that a log records it."""
    for kind, (_, lasting, bounds) in KINDS.items():
        rig = Rig(kind + (":0.5" if lasting or bounds else ""))
        rig.read(2)
        assert [fault.partition(":")[0].partition("@")[0] for _, fault in rig.events] == [kind]


def test_a_file_with_faults(tmp_path: Path) -> None:
    """Injected damage is handled like the file's own, and a cut ends it."""
    clip = write_clip(tmp_path / "clip.mkv", 20)
    whole = list(VideoSource(clip))
    cut = whole[12].seconds
    source = VideoSource(clip, wrap=Chaos(parse(f"corrupt:0.3 cut@{cut}"), 5.0, live=False, seed=3))
    frames = list(source)
    lost = sum(frame.dropped.get("corrupt", 0) for frame in frames)
    assert lost > 0
    assert len(frames) < 13
    assert source.facts["delivered"] == len(frames)


def test_a_stream_with_faults() -> None:
    """The stream is lost and reopened."""
    events: list[str] = []

    def emit(kind: str, **_: Any) -> None:
        events.append(kind)

    visits = [Visit(50, "mute", fps=50), Visit(5, fps=50)]
    with FaultServer(*visits) as server:
        source = LiveSource(
            server.url,
            shown="stream",
            read_timeout_s=2.0,
            reconnect=Backoff(2, 0.05, 0.05),
            max_bad_reads=4,
            emit=emit,
            wrap=Chaos(parse("cut@0.2"), 2.0, live=True, emit=emit),
        )
        frames = []
        for frame in source:
            frames.append(frame)
            if frame.connection:
                break
    assert frames[-1].connection == 1
    assert events[:4] == ["chaos", "lost", "retry", "reconnect"]
