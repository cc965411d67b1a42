"""Measure the value of the guard: `python -m benchmarks.collapse --images world/test`. Draws curves, prints a table.

The embedded model adapts to ordinary windows, is driven into collapse, and adapts to ordinary windows again, with and
without the guard. Its accuracy is measured on held-out pictures under the same corruption. Frames reach the method
unfiltered, including black ones and pure noise, which `mgtta-cam` would reject.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from mgtta.live import FromMemory
from mgtta.plugins import MEMORIES
from mgtta_cam.adaptation.methods import deployed
from mgtta_cam.adaptation.methods import guarded as watched
from mgtta_cam.adaptation.methods import method as build_method
from mgtta_cam.assembly.model import load_model
from mgtta_cam.bench.data import Pictures, folder
from mgtta_cam.config.method_spec import parse
from mgtta_cam.config.settings import Settings
from mgtta_cam.corruptions import corrupt
from mgtta_cam.types import Image
from mgtta_models import Backbone

mpl.use("agg")
from matplotlib import pyplot as plt

WINDOW, SEVERITY = 64, 5
BEFORE, AFTER = 6, 6  # ordinary updates
EVERY = 3  # updates between measurements
HELD_OUT = 256  # pictures for measuring accuracy
CORRUPTIONS = "gaussian_noise", "jpeg_compression"
COLUMNS = "before: without", "with", "after: without", "with", "six later: without", "with"
GUARDS = {"without": "off", "with": "rollback"}
TOO_FAST = "rate x 100"
Curve = dict[int, float]  # updates so far -> accuracy on the held-out pictures, %
Curves = dict[tuple[str, str], dict[str, Curve]]  # by corruption and attack; without and with the guard


@dataclass
class World:
    """A model, and pictures under one corruption."""

    backbone: Backbone
    pictures: Pictures
    corruption: str
    draws: np.random.RandomState = field(default_factory=lambda: np.random.RandomState(0))

    def crop(self, place: int) -> Image:
        """A picture with freshly drawn corruption, uint8 [h, w, 3]."""
        image = self.pictures.read(place, self.corruption, SEVERITY)
        assert image is not None
        return corrupt(self.backbone.preprocess.crop(image), self.corruption, SEVERITY, self.draws)

    def windows(
        self, changed: Callable[[Image], Image] = lambda crop: crop, label: int | None = None
    ) -> Iterator[Tensor]:
        """Windows [64, 3, h, w] of the pictures (of one class, if given), endlessly."""
        items = list(enumerate(self.pictures.items))[HELD_OUT:]
        places = cycle([place for place, (_, own) in items if label in (None, own)])
        while True:
            yield self.tensor([changed(self.crop(place)) for place in islice(places, WINDOW)])

    def tensor(self, crops: list[Image]) -> Tensor:
        """The model's input for a list of crops."""
        return torch.stack([self.backbone.preprocess.tensor(crop) for crop in crops])


def black(crop: Image) -> Image:
    """A black frame, as with the lens cap on."""
    return np.zeros_like(crop)


def noise(crop: Image) -> Image:
    """Pure noise."""
    return np.random.RandomState(int(crop.sum()) % 2**32).randint(0, 256, crop.shape, dtype=np.uint8)


@dataclass
class Flicker:
    """Alternates between far too dark and far too bright pictures."""

    light: bool = False

    def __call__(self, crop: Image) -> Image:
        """Alter the next picture."""
        self.light = not self.light
        return np.clip(crop * 0.3 + 178 * self.light, 0, 255).astype(np.uint8)


ATTACKS: dict[str, Callable[[World], Iterator[Tensor]]] = {
    TOO_FAST: World.windows,
    "one class": lambda world: world.windows(label=0),
    "noise": lambda world: world.windows(noise),
    "black": lambda world: world.windows(black),
    "flicker": lambda world: world.windows(Flicker()),
}


def main() -> None:
    """Measure, draw and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, default=Path("world/test"))
    parser.add_argument("--updates", type=int, default=24, help="updates per attack")
    parser.add_argument("--attacks", nargs="+", default=list(ATTACKS), choices=ATTACKS)
    parser.add_argument("--memory", default="reservoir", choices=MEMORIES)
    parser.add_argument("--out", type=Path, default=Path("collapse.png"))
    known = parser.parse_args()
    settings = Settings(model="demo")
    source = load_model(settings)
    pictures = folder(known.images, source.labels).drawn(None, 0, settings.seed)
    curves: Curves = {}
    for corruption in CORRUPTIONS:
        for attack in known.attacks:
            curves[corruption, attack] = {
                name: curve(
                    World(source.twin(), pictures, corruption),
                    replace(settings, guard=guard, memory=known.memory),
                    attack,
                    known.updates,
                )
                for name, guard in GUARDS.items()
            }
    draw(curves, known.updates, known.out)
    report(curves, known.updates)


def curve(world: World, settings: Settings, attack: str, updates: int) -> Curve:
    """Measure accuracy before, during and after an attack."""
    labels = torch.tensor([label for _, label in world.pictures.items[:HELD_OUT]])
    held_out = world.tensor([world.crop(place) for place in range(HELD_OUT)])
    method: Any = build_method(settings, world.backbone, deployed(settings, world.backbone, parse("mgtta")))
    guarded = watched(settings, world.backbone)(method)
    learner = FromMemory(guarded, MEMORIES[settings.memory](WINDOW, settings.seed))
    ordinary, attacks = world.windows(), ATTACKS[attack](world)
    points: Curve = {}
    for update in range(BEFORE + updates + AFTER + 1):
        under = BEFORE < update <= BEFORE + updates
        if update:
            learner.step(next(attacks if under else ordinary), scale=100 if under and attack == TOO_FAST else 1)
        if update % EVERY == 0:
            answers = torch.cat([learner.predict(x) for x in held_out.split(WINDOW)])
            points[update] = 100 * float((answers.argmax(1) == labels).float().mean())
    return points


def draw(curves: Curves, updates: int, path: Path) -> None:
    """Draw a panel for each corruption and attack."""
    columns = len(curves) // len(CORRUPTIONS)
    figure, panels = plt.subplots(
        *(len(CORRUPTIONS), columns),
        figsize=(1 + 2.6 * columns, 5.5),
        sharey="row",
        layout="constrained",
        squeeze=False,
    )
    for axes, ((corruption, attack), pair) in zip(panels.flat, curves.items(), strict=True):
        axes.axvspan(BEFORE, BEFORE + updates, color="0.93")
        for (name, points), color in zip(pair.items(), ("tab:red", "tab:blue"), strict=True):
            axes.plot(list(points), list(points.values()), color=color, label=f"{name} the guard")
        axes.axhline(pair["with"][0], color="0.5", linestyle=":", label="not adapted")
        axes.set_title(f"{attack}; {corruption}", fontsize=9, loc="left")
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[-1]:
        axes.set_xlabel("updates; gray: attack")
    for axes in panels[:, 0]:
        axes.set_ylabel("top-1, %")
    panels[0, 0].legend(fontsize=8, frameon=False)
    figure.savefig(path, dpi=110)


def report(curves: Curves, updates: int) -> None:
    """Print what the attacks cost, without and with the guard."""
    after = BEFORE + updates
    table = Table("attack", "corruption", "frozen", *COLUMNS)
    for (corruption, attack), pair in curves.items():
        bare, guarded = pair.values()
        figures = [bare[0], *(run[at] for at in (BEFORE, after, after + AFTER) for run in (bare, guarded))]
        table.add_row(attack, corruption, *(f"{figure:.1f}" for figure in figures))
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
