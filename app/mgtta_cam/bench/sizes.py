"""The generators of the paper's Table 6: pre-trained on 64, 128, 256 and 1,000 pictures."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console

from mgtta_cam.adaptation.methods import statistics
from mgtta_cam.bench.paper import SIZES
from mgtta_cam.config.settings import Settings
from mgtta_cam.errors import UsageError
from mgtta_cam.offline.pictures import Selection, find
from mgtta_cam.offline.pretraining import Recipe, pretrain_generator
from mgtta_models import Backbone


def generators(
    settings: Settings, backbone: Backbone, pictures: Path | None, out: Path, console: Console
) -> dict[int, Path]:
    """Pre-train generators of each size: size -> file in the folder; existing files are reused.

    Raises:
        UsageError: if no pictures were given, or too few for the smallest size.
    """
    if pictures is None:
        raise UsageError(
            "--table 6 pre-trains generators: give it clean, unlabeled pictures with --pretrain-images DIR"
        )
    available = len(find(pictures))
    made = {}
    for size in SIZES:
        path = out / f"mgg-{size}.safetensors"
        if size > available:
            console.print(f"skipped the generator of {size} pictures: {pictures} has {available}", soft_wrap=True)
            continue
        if not os.path.exists(path):
            out.mkdir(parents=True, exist_ok=True)
            chosen = Selection.draw(pictures, size, 0, settings.seed)
            found = statistics(settings, backbone)
            progress = path.with_name(path.name + ".progress")
            recipe = Recipe(boosts=())  # the paper's tables use unscaled steps
            pretrain_generator(backbone.twin(), found, chosen, recipe, settings.seed, path, progress, console)
        made[size] = path
    if not made:
        raise UsageError(f"--pretrain-images: expected at least {min(SIZES)} pictures; {pictures} has {available}")
    return made
