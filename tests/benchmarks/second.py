"""Where one second of a stream goes: `python -m tests.benchmarks.second --model demo`. A 720p file, adapting, logged.

Prints the frames of the mean second and what each part of the work took of it, in milliseconds. Parts that overlap add
up to more than the second.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import cv2

from app import build, config
from app.cli import leave
from app.controls import Controls
from app.demo import CLIP
from app.rendering import renderer
from app.session import play
from app.types import FrameResult

SIZE = (1280, 720)
PARTS = ("decode", "corrupt", "prep", "infer", "adapt", "draw")


class Adding:
    """Draws each result, as a window does, and adds up what all parts took."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        self._render = renderer(Controls(), classes, 5, corrupting=False)
        self.ms: Counter[str] = Counter()
        self.lessons = 0

    def write(self, result: FrameResult) -> None:
        """Takes the next."""
        began = time.perf_counter()
        self._render(result)
        self.ms["draw"] += (time.perf_counter() - began) * 1000  # pyright: ignore[reportArgumentType]
        self.ms.update({part: result.ms.get(part, 0.0) for part in PARTS if part != "draw"})
        self.lessons += result.lesson is not None

    def close(self) -> None:
        """Nothing is held open."""


def enlarged(path: Path, frames: int) -> Path:
    """The beginning of the embedded clip at 720p."""
    capture = cv2.VideoCapture(str(CLIP))
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, SIZE)
    for _ in range(frames):
        video.write(cv2.resize(capture.read()[1], SIZE, interpolation=cv2.INTER_CUBIC))
    video.release()
    return path


def main() -> None:
    """Runs once and prints a row for each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--weights")
    parser.add_argument("--method", default="mgtta")
    parser.add_argument("--frames", type=int, default=600)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = enlarged(Path(folder) / "clip.mp4", options.frames)
        way: dict[str, Any] = {
            "corrupt": "gaussian_noise:5",
            "corrupt_on": "crop",
            "show": False,
            "adapt": "background",
        }
        own = {"model": options.model, "weights": options.weights, "method": options.method}
        settings = config.load({**way, **own, "source": str(clip), "log": f"{folder}/a.jsonl"}, environment={})
        session = build.session(settings, ["benchmark"], Controls(), lambda *_, **__: None)
        adding = Adding(session.journal._classes)  # type: ignore[union-attr]  # pyright: ignore
        session.sinks = [*session.sinks, adding]
        outcome = play(session)
    seconds, frames = outcome.summary["seconds"], outcome.summary["frames"]
    print(f"{frames / seconds:.1f} frames and {adding.lessons / seconds:.2f} lessons a second; of it, in ms:")
    for part in PARTS:
        print(f"  {part:8}{adding.ms[part] / seconds:7.0f}   {adding.ms[part] / frames:6.2f} a frame")


if __name__ == "__main__":
    main()
    leave(0)
