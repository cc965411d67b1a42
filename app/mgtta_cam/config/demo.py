"""The demo: the embedded model adapts to the embedded clip while the weather changes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mgtta_cam.config import loading
from mgtta_cam.config.settings import Settings
from mgtta_cam.errors import SourceError
from mgtta_cam.outputs import folder_for_outputs

PACKAGE = Path(__file__).resolve().parents[1]
BUNDLED = PACKAGE / "samples"  # in a wheel; a clone has the clip in its top-level folder
CLIP = (BUNDLED if BUNDLED.is_dir() else PACKAGE.parents[1] / "samples") / "clip.mp4"
FOLDER = Path("mgtta-cam-demo")
SCHEDULE = "0:clean 300:gaussian_noise:5 950:shot_noise:5 1550:impulse_noise:5"  # the light goes
# A window is 17 seconds, a dozen objects: fewer objects distort the model, and a longer memory reacts slowly.
WINDOW = {"memory": "window", "adapt_stride": 8, "adapt_every": 32}
SAVE_FPS = 10  # noise does not compress: at the clip's 30 the video would be three times as large
OPTIONS = (
    *("max_frames", "method", "lr", "paper", "adapt_batch", "adapt_stride", "adapt_every", "memory", "guard"),
    *("corrupt_schedule", "seed", "device", "threads"),
    *("show", "web", "log", "json", "quiet", "verbose"),
)  # settings that the demo accepts


def settings(flags: Mapping[str, Any], folder: Path, clip: Path = CLIP) -> Settings:
    """The demo's settings: its own source, model, weather and outputs; flags for the rest.

    Raises:
        SourceError: if the clip did not come with this installation.
        OutputError: if the folder cannot be created.
        UsageError: as `mgtta_cam.config.loading.load`.
    """
    if not os.path.isfile(clip):
        raise SourceError(f"the embedded clip is missing from this installation ({clip.name}): reinstall mgtta-cam")
    folder_for_outputs(folder)
    presets = {"source": str(clip), "model": "demo", "compare": "split", "teacher": False, **WINDOW}
    presets |= {"corrupt_schedule": SCHEDULE, "corrupt_on": "crop", "overwrite": True}
    presets |= {"save": folder / "demo.webm", "save_fps": SAVE_FPS}
    taken = {loading.PREFIX + name.upper() for name in OPTIONS}
    environment = {name: value for name, value in os.environ.items() if name in taken}
    return loading.load(flags, environment=environment, presets=presets)
