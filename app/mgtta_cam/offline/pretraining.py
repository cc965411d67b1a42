"""Pre-train a generator on unlabeled corrupted pictures."""

from __future__ import annotations

import os
import pickle
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from mgtta import MetaGradientGenerator, SourceStatistics
from mgtta.recurrent import RecurrentGenerator
from mgtta.training import Generator, Pretraining, deployed_loss
from mgtta_cam.corruptions import VALIDATION, corrupt
from mgtta_cam.errors import OutputError, UsageError
from mgtta_cam.offline.pictures import Selection
from mgtta_cam.offline.statistics import WINDOW, _skipped, card
from mgtta_cam.outputs import progress
from mgtta_models import Backbone, files

GENERATORS = {"mgtta": MetaGradientGenerator, "mgtta-lstm": RecurrentGenerator}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a generator is pre-trained. The defaults are the paper's, except for the choice of checkpoint and boost."""

    method: str = "mgtta"  # whose generator: mgtta or mgtta-lstm
    corruptions: tuple[str, ...] = VALIDATION  # each picture gets one of them
    severity: int = 5  # 1..5
    epochs: int = 40  # each is one episode: memory and moments start afresh
    batch: int = 2  # pictures per step
    lr: float = 1e-4  # alpha, for the model's norm parameters
    meta_lr: float = 1e-2  # Adam's rate, for the generator
    discrepancy_weight: float = 0.4  # lambda
    unroll: int = 1  # steps of the generator through which its gradient is backpropagated
    choose_every: int = 4  # epochs between trials of the generator
    choose_lr: float = 1e-3  # learning rate of a trial, the same as in deployment
    boosts: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)  # of the first step, tried while the loss falls; () for none
    boost_pictures: int = 128  # pictures per corruption for trying a boost
    boost_passes: int = 2  # passes through them


def pretrain_generator(
    backbone: Backbone,
    statistics: SourceStatistics,
    pictures: Selection,
    recipe: Recipe,
    seed: int,
    out: Path,
    progress_file: Path,
    console: Console,
) -> Generator:
    """Pre-train a generator on unlabeled corrupted pictures and write the best one to `out`.

    After each epoch the full state is saved to the progress file, and the same call resumes from it.
    The checkpoint is chosen without labels: every few epochs the generator is deployed on the restored source model
    over two passes through its own pictures in windows of 64, and the lowest mean loss wins. The boost with which it is
    deployed (`mgtta.transforms.settling`) is chosen likewise, on streams of one corruption each, and is recorded in the
    file's card.

    Raises:
        OutputError: if a file cannot be written.
        UsageError: if the progress file belongs to another call.
    """
    source = backbone.twin()
    x = corrupted(backbone, pictures, recipe.corruptions, recipe.severity, seed, console)
    training = Pretraining(
        backbone,
        GENERATORS[recipe.method](seed),
        statistics,
        lr=recipe.lr,
        meta_lr=recipe.meta_lr,
        discrepancy_weight=recipe.discrepancy_weight,
        unroll=recipe.unroll,
    )
    facts = card(backbone, pictures, kind="mgtta-cam generator", seed=seed, **asdict(recipe))
    saved = Progress(progress_file, {key: facts[key] for key in facts.keys() - {"command", "versions"}})
    start, best = saved.resume(training)
    if start:
        console.print(f"resuming after epoch {start} of {recipe.epochs} ({saved.path.name})")
    windows = [w for w in (*x.split(WINDOW), *x.split(WINDOW)) if len(w) > 1]
    with progress(console, "pre-training", recipe.epochs, "epochs", done=start) as work:
        for epoch in range(start, recipe.epochs):
            training.begin_episode()
            order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))
            for batch in x[order].split(recipe.batch):
                if len(batch) > 1:
                    training.step(batch.to(backbone.device))
            if (epoch + 1) % recipe.choose_every == 0 or epoch + 1 == recipe.epochs:
                loss = deployed_loss(
                    source, training.generator, statistics, windows, recipe.choose_lr, recipe.discrepancy_weight
                )
                console.print(f"epoch {epoch + 1}: loss when deployed {loss:.4f}")
                if loss < best:
                    best = loss
                    write(out, training.generator, facts | {"epoch": str(epoch + 1), "loss": f"{loss:.6f}"})
            saved.save(training, epoch + 1, best)
            work.advance()
    chosen = files.read(out)
    generator = GENERATORS[recipe.method].from_official(chosen.tensors)
    if recipe.boosts:
        boost = chosen_boost(source, generator, statistics, pictures, recipe, seed, console)
        write(out, generator, chosen.card | {"boost": f"{boost:g}"})
    saved.path.unlink(missing_ok=True)
    return generator


def chosen_boost(
    source: Backbone,
    generator: Generator,
    statistics: SourceStatistics,
    pictures: Selection,
    recipe: Recipe,
    seed: int,
    console: Console,
) -> float:
    """The factor by which the first step is enlarged: boosts are tried in order while the unlabeled loss falls.

    Each is tried on one stream per corruption; each pass through the pictures is in a new order.
    """
    few = replace(pictures, paths=pictures.paths[: recipe.boost_pictures])
    draw = torch.Generator().manual_seed(seed)
    streams = []
    for name in recipe.corruptions:
        x = corrupted(source, few, (name,), recipe.severity, seed, Console(quiet=True))  # already reported
        orders = [torch.randperm(len(x), generator=draw).split(WINDOW) for _ in range(recipe.boost_passes)]
        streams.append((x, [places for order in orders for places in order if len(places) > 1]))
    best, lowest = 1.0, float("inf")
    with progress(console, "boosts", len(recipe.boosts), "at most") as work:
        for boost in recipe.boosts:
            losses = [
                deployed_loss(
                    source,
                    generator,
                    statistics,
                    (x[places].to(source.device) for places in windows),
                    recipe.choose_lr,
                    recipe.discrepancy_weight,
                    boost,
                )
                for x, windows in streams
            ]
            loss = sum(losses) / len(losses)
            console.print(f"boost {boost:g}: loss when deployed {loss:.4f}")
            if not loss < lowest:
                break
            best, lowest = boost, loss
            work.advance()
    return best


def write(out: Path, generator: Generator, facts: dict[str, str]) -> None:
    """Write a generator file, with the authors' array names."""
    try:
        files.write(out, generator.official(), facts)
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror or error}") from None


def corrupted(
    backbone: Backbone, pictures: Selection, names: Sequence[str], severity: int, seed: int, console: Console
) -> Tensor:
    """The selection as one tensor [n, 3, h, w] on the CPU; each picture has one randomly drawn corruption."""
    draw = random.Random(seed)  # noqa: S311  draws corruptions, not secrets
    crops = []
    with progress(console, "corrupting", len(pictures.paths), "pictures") as work:
        for place, image, _ in pictures.images(partial(_skipped, console)):
            rng = np.random.RandomState([seed, place])
            crops.append(corrupt(backbone.preprocess.crop(image), draw.choice(names), severity, rng))
            work.advance()
    return torch.stack([backbone.preprocess.tensor(crop) for crop in crops])


class Progress:
    """The progress file of a pre-training; its fingerprint identifies settings and pictures."""

    def __init__(self, path: Path, fingerprint: dict[str, str]) -> None:
        self.path, self.fingerprint = path, fingerprint

    def resume(self, training: Pretraining) -> tuple[int, float]:
        """Load the progress, if any; returns the number of epochs done and the lowest loss so far."""
        if not os.path.exists(self.path):
            return 0, float("inf")
        try:
            content = torch.load(self.path, weights_only=True)
        except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError):
            raise UsageError(
                f"{self.path} should be a pre-training's progress file but cannot be read: remove it to start over, "
                "or use another --out"
            ) from None
        if content["fingerprint"] != self.fingerprint:
            raise UsageError(
                f"{self.path} belongs to a pre-training with other settings or pictures: remove it or use another --out"
            )
        training.load_state_dict(content["training"])
        return content["epoch"], content["best"]

    def save(self, training: Pretraining, epoch: int, best: float) -> None:
        """Save the progress atomically."""
        state = {"fingerprint": self.fingerprint, "training": training.state_dict(), "epoch": epoch, "best": best}
        try:
            with files.whole(self.path) as part:
                torch.save(state, part)
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}") from None
