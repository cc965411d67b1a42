"""Measure a cell: a fresh method on a stream of pictures."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import torch
from torch import Tensor

from mgtta.logits import as_logits
from mgtta.types import Method
from mgtta_cam.adaptation.methods import alive
from mgtta_cam.bench.cells import Cell, Row, Tally
from mgtta_cam.bench.data import CLEAN, Pictures
from mgtta_cam.bench.peak_memory import peak_of
from mgtta_cam.bench.streams import Shot, Stream, held, label_of
from mgtta_cam.config.settings import Settings
from mgtta_cam.corruptions import corrupt
from mgtta_cam.errors import SourceDamagedError
from mgtta_cam.types import Image
from mgtta_models import Backbone

WINDOWS_FOR_MEMORY = 2  # the second one runs with everything that the first one allocated
CACHE_BYTES = 2**30  # for corrupted crops, reused by the next method on the same stream


@dataclass(frozen=True, slots=True)
class Measured:
    """The result of a cell."""

    rows: tuple[Row, ...]
    skipped: tuple[str, ...] = ()  # pictures that do not decode


@dataclass(frozen=True)
class Bench:
    """Settings and pictures: all that a worker needs, and small enough to send."""

    settings: Settings
    pictures: tuple[Pictures, ...]  # one per kind
    load: Callable[[Settings], Backbone]
    memory: bool = True  # whether to measure each method's memory, in a process of its own

    @cached_property
    def backbone(self) -> Backbone:
        """The model, loaded on first use in each process."""
        return self.load(self.settings)

    def model_for(self, pictures: Pictures) -> Backbone:
        """A model to adapt, restricted to the pictures' candidate classes."""
        twin = self.backbone.twin()
        if pictures.kept is not None:
            twin.restrict(pictures.kept)
        return twin

    def of_kind(self, kind: str) -> Pictures:
        """The pictures of a kind."""
        return next(pictures for pictures in self.pictures if pictures.kind == kind)

    @cached_property
    def _crops(self) -> OrderedDict[tuple[str, int, Shot], Image | None]:
        return OrderedDict()

    @cached_property
    def _peaks(self) -> dict[tuple[str, int], float | None]:
        return {}

    def measure(self, cell: Cell, windows: int | None = None) -> Measured:
        """Run a method over a stream, or over its first `windows` windows.

        Raises:
            SourceDamagedError: if no picture decodes.
            ModelError, UsageError: if the method cannot be built.
        """
        pictures = self.of_kind(cell.data)
        learner = alive(self.settings, self.model_for(pictures), cell.method, cell.stream.batch)
        cuda = self.backbone.device.type == "cuda"
        if cuda:
            torch.cuda.reset_peak_memory_stats(self.backbone.device)
        tallies: dict[str, Tally] = {}
        skipped: set[str] = set()
        spent, updates = 0.0, 0
        for shots in cell.stream.windows([label for _, label in pictures.items], self.settings.seed)[:windows]:
            window = [
                (shot, crop) for shot in shots if (crop := self._crop(pictures, cell.stream, shot, skipped)) is not None
            ]
            if not window:
                continue
            x = torch.stack([self.backbone.preprocess.tensor(crop) for _, crop in window]).to(self.backbone.device)
            labels = torch.tensor([pictures.items[shot.place][1] for shot, _ in window])
            self._warm_up(x)
            learning = not (_over(updates, cell.budget.updates) or _over(spent, cell.budget.seconds))
            logits, seconds, updated = _predict(learner, x, learning)
            spent, updates = spent + seconds, updates + learning
            names = [label_of(cell.stream, shot) for shot, _ in window]
            for name in dict.fromkeys(names):
                chosen = torch.tensor([own == name for own in names])
                places = [shot.place for (shot, _), own in zip(window, names, strict=True) if own == name]
                tally = tallies.setdefault(name, Tally(len(pictures.items)))
                tally.update(logits[chosen], labels[chosen], places)
                tally.seconds += seconds * int(chosen.sum()) / len(names)
                tally.updates += updated
        if not tallies:
            raise SourceDamagedError(f"none of the {len(pictures.items)} chosen pictures decodes")
        peak = torch.cuda.max_memory_allocated(self.backbone.device) / 2**20 if cuda else self.peak(cell)
        return Measured(tuple(tally.row(cell, name, peak) for name, tally in tallies.items()), tuple(sorted(skipped)))

    @cached_property
    def _warm(self) -> set[torch.Size]:
        return set()

    @torch.no_grad()
    def _warm_up(self, x: Tensor) -> None:
        """Run an untimed forward: the first one for each window size in a process is slow."""
        if x.shape not in self._warm:
            self._warm.add(x.shape)
            self.backbone(x)

    def _crop(self, pictures: Pictures, stream: Stream, shot: Shot, skipped: set[str]) -> Image | None:
        """The model's corrupted crop of a shot; equal for every method and in any order."""
        key = (pictures.kind, stream.severity, shot)
        if key not in self._crops:
            self._crops[key] = self._made(pictures, stream, shot)
            size = 3 * self.backbone.preprocess.size**2
            while len(self._crops) > CACHE_BYTES // size:
                self._crops.popitem(last=False)
        if self._crops[key] is None:
            skipped.add(pictures.items[shot.place][0])
        return self._crops[key]

    def _made(self, pictures: Pictures, stream: Stream, shot: Shot) -> Image | None:
        severity = stream.severity if shot.severity is None else shot.severity
        image = pictures.read(shot.place, shot.corruption, severity)
        if image is None:
            return None
        seed = [self.settings.seed, shot.place]
        if shot.repeat is not None:
            image = held(image, shot.repeat, seed)
            seed = [*seed, shot.repeat]
        crop = self.backbone.preprocess.crop(image)
        if shot.corruption == CLEAN or pictures.ready_made or not severity:
            return crop
        return corrupt(crop, shot.corruption, severity, np.random.RandomState(seed))

    def peak(self, cell: Cell) -> float | None:
        """Peak memory in MB of a method on the CPU, measured once per window size."""
        if not self.memory:
            return None
        key = (str(cell.method), cell.stream.batch)
        if key not in self._peaks:
            self._peaks[key] = peak_of(partial(Bench.measure, replace(self, memory=False), cell, WINDOWS_FOR_MEMORY))
        return self._peaks[key]


def _over(spent: float, most: float | None) -> bool:
    return most is not None and spent >= most


def _predict(learner: Method, x: Tensor, learning: bool) -> tuple[Tensor, float, bool]:
    """Logits [b, c] on the CPU, seconds, and whether the window changed the model."""
    start = time.perf_counter()
    step = learner.step(x) if learning else None
    answers = (learner.predict(x) if step is None else step.logits).cpu()
    seconds = time.perf_counter() - start
    updated = step is not None and bool(step.stats) and step.skipped is None
    return as_logits(answers.float(), learner.probabilities), seconds, updated
