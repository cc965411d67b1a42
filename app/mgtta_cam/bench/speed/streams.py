"""Time the stream: decoding, corruptions, preprocessing, drawing, and everything end to end."""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mgtta_cam.bench.speed.timing import Act, Timing, in_turns, timing
from mgtta_cam.config import loading
from mgtta_cam.config.demo import CLIP
from mgtta_cam.config.settings import Settings
from mgtta_cam.corruptions import corrupt
from mgtta_cam.corruptions.names import STANDARD
from mgtta_cam.errors import OutputError
from mgtta_cam.log.format import read
from mgtta_cam.overlay.renderer import renderer
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.session import Outcome
from mgtta_cam.types import FrameResult, Image, Sink
from mgtta_models import Backbone

SIZES = {"224": (224, 224), "720p": (1280, 720), "1080p": (1920, 1080)}  # width, height
FRAMES = 200
SEVERITY = 5
PlayRun = Callable[[Settings, Controls, Sequence[Sink]], Outcome]  # runs a stream as the command line does


class Drawn:
    """Draws each result, as a window does, and records the time of each stage."""

    def __init__(self, classes: tuple[str, ...], controls: Controls) -> None:
        self._render = renderer(controls, classes, 5, corrupting=False)
        self.ms: dict[str, list[float]] = defaultdict(list)

    def write(self, result: FrameResult) -> None:
        """Draw a result."""
        began = time.perf_counter()
        self._render(result)
        self.ms["draw"].append((time.perf_counter() - began) * 1000)
        for stage, ms in result.ms.items():
            self.ms[stage].append(ms)

    def close(self) -> None:
        """Do nothing: no resource is held."""


def end_to_end(settings: Settings, backbone: Backbone, play: PlayRun) -> Iterator[Timing]:
    """Time a clip of each size from file to picture and log, with the frozen model, and its stages."""
    for name, size in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            clip = written(Path(folder) / "clip.mp4", size)
            log = Path(folder) / "a.jsonl"
            outcome, drawn = played(settings, {"source": str(clip), "method": "none", "log": str(log)}, backbone, play)
            runtime = next(iter(read(log)))["runtime"]
        for stage in ("decode", "prep", "infer", "draw"):
            yield timing(f"{stage} {name}", drawn.ms[stage], runtime if stage == "infer" else "-", settings.precision)
        yield timing(f"end to end {name}", [1000 / outcome.summary["fps"]], runtime, settings.precision)


def answers(settings: Settings, backbone: Backbone, play: PlayRun) -> dict[str, float]:
    """p99 of inference in ms, without and with background updates, under noise and at the clip's own rate."""
    way = {"corrupt": f"gaussian_noise:{SEVERITY}", "corrupt_on": "crop", "realtime": True, "loop": 2}
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        clip = written(Path(folder) / "clip.mp4", SIZES["224"])
        for name, more in (("none", {"method": "none"}), ("background", {"adapt": "background", "adapt_every": 32})):
            outcome, _ = played(settings, {"source": str(clip), **way, **more}, backbone, play)
            found[name] = outcome.summary["latency_ms"]["p99"]
    return found


def played(settings: Settings, way: Mapping[str, Any], backbone: Backbone, play: PlayRun) -> tuple[Outcome, Drawn]:
    """Play a run as the command line does, with this bench's model settings."""
    own = {name: getattr(settings, name) for name in ("model", "weights", "device", "precision", "runtime", "threads")}
    controls = Controls()
    drawn = Drawn(backbone.classes, controls)
    chosen = loading.load({**own, "show": False, **way}, environment={})
    outcome = play(chosen, controls, [drawn])
    if outcome.exit_code:
        raise OutputError(f"the clip could not be played: {outcome.error}")
    return outcome, drawn


def corruptions(seconds: float) -> Iterator[Timing]:
    """Time the fifteen corruptions on the model's crop and on 720p."""
    for name in ("224", "720p"):
        width, height = SIZES[name]
        image = np.asarray(cv2.resize(next(frames()), (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
        acts: dict[str, Act] = {
            kind: lambda kind=kind, image=image: corrupt(image, kind, SEVERITY, np.random.RandomState(0))
            for kind in STANDARD
        }
        for kind, ms in in_turns(acts, seconds).items():
            yield timing(f"{kind} {name}", ms)


def frames() -> Iterator[Image]:
    """Frames of the embedded clip, RGB, repeated endlessly."""
    while True:
        capture = cv2.VideoCapture(str(CLIP))
        while (read_one := capture.read())[0]:
            yield np.asarray(cv2.cvtColor(read_one[1], cv2.COLOR_BGR2RGB), np.uint8)


def written(path: Path, size: tuple[int, int]) -> Path:
    """Write the beginning of the embedded clip, scaled to `size` (width, height)."""
    fourcc = cv2.VideoWriter.fourcc(*"mp4v")
    video = cv2.VideoWriter(str(path), fourcc, 25, size)
    for image in islice(frames(), FRAMES):
        enlarged = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
        video.write(cv2.cvtColor(enlarged, cv2.COLOR_RGB2BGR))
    video.release()
    return path
