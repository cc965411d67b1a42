"""Measure the source statistics that a model needs before it can adapt."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch
from rich.console import Console
from torch import Tensor

from mgtta import SourceStatistics
from mgtta.statistics import measure_fisher
from mgtta_cam.offline.pictures import Selection, batches
from mgtta_cam.outputs import progress
from mgtta_models import Backbone

WINDOW = 64  # pictures per batch


def card(backbone: Backbone, pictures: Selection, **more: object) -> dict[str, str]:
    """Metadata that records how a file was made."""
    facts = {
        "model": backbone.name,
        "model_digest": backbone.digest,
        "pictures": str(len(pictures.paths)),
        "pictures_digest": pictures.digest,
        "command": shlex.join(["mgtta-cam", *sys.argv[1:]]),
        "versions": json.dumps({name: version(name) for name in ("torch", "timm", "opencv-python")}),
        "license": "Apache-2.0",
    }
    return facts | {key: value if isinstance(value, str) else json.dumps(value) for key, value in more.items()}


def measure_statistics(
    backbone: Backbone, pictures: Selection, console: Console, batch: int = WINDOW
) -> SourceStatistics:
    """Measure the model's feature means and spreads over clean pictures, and each norm parameter's importance."""
    with progress(console, "statistics", 2 * len(pictures.paths), "pictures (each is read twice)") as work:

        def tensors(skipped: Callable[[Path], None]) -> Iterator[Tensor]:
            images = (backbone.preprocess(image) for _, image, _ in pictures.images(skipped))
            for group in batches(images, batch):
                yield torch.stack(list(group))
                work.advance(len(group))

        found = SourceStatistics.measure(backbone, tensors(partial(_skipped, console)), card(backbone, pictures))
        return replace(found, fisher=measure_fisher(backbone, tensors(lambda _: None)))


def _skipped(console: Console, path: Path) -> None:
    console.print(f"skipped {path}: not a decodable picture", soft_wrap=True)
