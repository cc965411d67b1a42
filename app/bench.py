"""Methods against corruptions on labeled pictures: the paper's protocol, with a reset before each corruption."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from app.corruptions import corrupt
from app.metrics import Calibration, wilson
from app.pictures import Selection, batches
from app.preparation import progress
from mgtta.types import Method
from models import Backbone

CLEAN = "clean"


@dataclass(frozen=True, slots=True)
class Row:
    """One method under one corruption."""

    method: str
    corruption: str
    severity: int  # 1..5; 0 for clean
    batch: int  # pictures a window
    n: int  # pictures
    top1: float  # percent
    top1_low: float  # percent, 95 % Wilson interval
    top1_high: float
    top5: float  # percent
    ece: float  # percent, 15 bins
    seconds: float  # in the method, without decoding and corrupting
    ms_per_image: float


class Tally:
    """Counts one method's answers to one stream."""

    def __init__(self) -> None:
        self.n, self.top1, self.top5, self.seconds = 0, 0, 0, 0.0
        self.calibration = Calibration()

    def update(self, logits: Tensor, labels: Tensor, seconds: float) -> None:
        """Adds a window: logits [b, c], labels [b]."""
        ranked = logits.topk(min(5, logits.shape[1]), dim=1).indices
        hits = ranked == labels[:, None]
        for p, hit in zip(logits.softmax(dim=1).amax(dim=1).tolist(), hits[:, 0].tolist(), strict=True):
            self.calibration.update(min(p, 1.0), hit)
        self.n += len(labels)
        self.top1 += int(hits[:, 0].sum())
        self.top5 += int(hits.any(dim=1).sum())
        self.seconds += seconds

    def row(self, method: str, corruption: str, severity: int, batch: int) -> Row:
        """The figures."""
        low, high = wilson(self.top1, self.n)
        return Row(
            method=method,
            corruption=corruption,
            severity=0 if corruption == CLEAN else severity,
            batch=batch,
            n=self.n,
            top1=100 * self.top1 / self.n,
            top1_low=100 * low,
            top1_high=100 * high,
            top5=100 * self.top5 / self.n,
            ece=100 * (self.calibration.ece() or 0.0),
            seconds=self.seconds,
            ms_per_image=1000 * self.seconds / self.n,
        )


def windows(
    backbone: Backbone, pictures: Selection, corruption: str, severity: int, batch: int, seed: int, console: Console
) -> Iterator[tuple[Tensor, Tensor]]:
    """Corrupted windows [b, 3, h, w] with labels [b]: the folder of each picture names its class.

    The noise of a picture comes from the seed and its place in the selection, so every method meets the same stream.
    """

    def examples() -> Iterator[tuple[Tensor, int]]:
        for place, image, path in pictures.images(lambda bad: console.print(f"skipped {bad}: does not decode")):
            crop = backbone.preprocess.crop(image)
            if corruption != CLEAN:
                crop = corrupt(crop, corruption, severity, np.random.RandomState([seed, place]))
            yield backbone.preprocess.tensor(crop), backbone.labels.index(path.parent.name)

    for group in batches(examples(), batch):
        x, labels = zip(*group, strict=True)
        yield torch.stack(list(x)).to(backbone.device), torch.tensor(labels)


def bench(
    backbone: Backbone,
    methods: Mapping[str, Method],
    pictures: Selection,
    corruptions: Sequence[str],
    console: Console,
    severity: int = 5,
    batch: int = 64,
    seed: int = 0,
) -> Iterator[Row]:
    """Shows all methods, each with a model of its own, the same windows; yields a corruption's rows at its end."""
    with progress(console) as bars:
        task = bars.add_task("bench", total=len(corruptions) * len(pictures.paths))
        for corruption in corruptions:
            tallies = {name: Tally() for name in methods}
            bars.update(task, description=corruption)
            for method in methods.values():
                method.reset()
            for x, labels in windows(backbone, pictures, corruption, severity, batch, seed, console):
                for name, method in methods.items():
                    start = time.perf_counter()
                    logits = method.step(x).logits.cpu()
                    tallies[name].update(logits, labels, time.perf_counter() - start)
                bars.advance(task, len(labels))
            yield from (tally.row(name, corruption, severity, batch) for name, tally in tallies.items())


def table(rows: Sequence[Row]) -> Table:
    """Top-1 by method (rows) and corruption (columns), with the mean over corruptions and the time a picture."""
    corruptions = list(dict.fromkeys(row.corruption for row in rows))
    shown = Table(title=f"top-1 accuracy, %, {rows[0].n} pictures, severity {max(row.severity for row in rows)}")
    shown.add_column("method")
    for column in (*corruptions, "mean", "ms/picture"):
        shown.add_column(column.replace("_", " "), justify="right")
    for method in dict.fromkeys(row.method for row in rows):
        own = {row.corruption: row for row in rows if row.method == method}
        spoiled = [row.top1 for row in own.values() if row.corruption != CLEAN]
        cells = [f"{own[c].top1:.1f}" for c in corruptions if c in own]
        time_each = sum(row.seconds for row in own.values()) / sum(row.n for row in own.values())
        mean = f"{sum(spoiled) / len(spoiled):.1f}" if spoiled else ""
        shown.add_row(method, *cells, mean, f"{1000 * time_each:.1f}")
    return shown


def as_json(rows: Sequence[Row]) -> list[dict[str, object]]:
    """The rows of `bench --json`."""
    return [asdict(row) for row in rows]
