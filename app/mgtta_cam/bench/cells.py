"""The units of measurement, and their results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from torch import Tensor

from mgtta_cam.bench.data import CLEAN, VARIANTS
from mgtta_cam.bench.intervals import encoded, of_share
from mgtta_cam.bench.streams import CONTINUAL, MIXED, Stream
from mgtta_cam.config.method_spec import Spec
from mgtta_cam.metrics.calibration import Calibration


@dataclass(frozen=True, slots=True)
class Budget:
    """The amount of adaptation after which a method only predicts."""

    updates: int | None = None  # windows used for updates
    seconds: float | None = None  # spent in the method before it stops updating

    def __str__(self) -> str:
        parts = [f"{self.updates} updates"] if self.updates is not None else []
        return ", ".join(parts + ([f"{self.seconds:g} s"] if self.seconds is not None else []))


@dataclass(frozen=True, slots=True)
class Cell:
    """One method on one stream: the unit that is measured, saved, and lost if a worker dies."""

    method: Spec
    stream: Stream
    budget: Budget = Budget()
    data: str = "images"  # kind of pictures

    def facts(self) -> dict[str, Any]:
        """The cell as plain values."""
        return {"method": str(self.method), "data": self.data, **asdict(self.stream), **asdict(self.budget)}


@dataclass(frozen=True, slots=True)
class Row:
    """One method under one corruption."""

    data: str
    method: str
    corruption: str
    severity: int  # 1..5; 0 for clean
    batch: int  # pictures per window
    protocol: str
    max_updates: int | None
    max_seconds: float | None
    n: int  # predictions
    top1: float  # percent
    top1_low: float  # percent, 95 % interval over pictures
    top1_high: float
    top5: float  # percent
    ece: float  # percent, 15 bins
    updates: int  # windows that changed the model
    seconds: float  # spent in the method, without decoding and corrupting
    ms_per_image: float
    peak_mem_mb: float | None  # of a process with this method, or of the GPU
    workers: int = 1  # processes that measured at once; times are comparable only between equal numbers
    hits: str = ""  # hits per picture, as encoded by `intervals.encoded`; empty in cells of earlier versions


class Tally:
    """Counts one method's predictions under one corruption.

    Args:
        pictures: number of pictures.
    """

    def __init__(self, pictures: int = 0) -> None:
        self.n, self.top1, self.top5, self.updates, self.seconds = 0, 0, 0, 0, 0.0
        self.calibration = Calibration()
        self.hits, self.shots = [0] * pictures, [0] * pictures

    def update(self, logits: Tensor, labels: Tensor, places: Sequence[int]) -> None:
        """Add logits [b, c] with true classes [b] and the pictures' places."""
        ranked = logits.topk(min(5, logits.shape[1]), dim=1).indices
        hits = ranked == labels[:, None]
        for p, hit in zip(logits.softmax(dim=1).amax(dim=1).tolist(), hits[:, 0].tolist(), strict=True):
            self.calibration.update(min(p, 1.0), hit)
        for place, hit in zip(places, hits[:, 0].tolist(), strict=True):
            self.hits[place] += hit
            self.shots[place] += 1
        self.n += len(labels)
        self.top1 += int(hits[:, 0].sum())
        self.top5 += int(hits.any(dim=1).sum())

    def row(self, cell: Cell, corruption: str, peak_mem_mb: float | None) -> Row:
        """The results so far; zero before the first prediction."""
        low, high = of_share(self.hits, self.shots)
        n = max(1, self.n)
        return Row(
            data=cell.data,
            method=str(cell.method),
            corruption=corruption,
            severity=0 if corruption == CLEAN else cell.stream.severity,
            batch=cell.stream.batch,
            protocol=cell.stream.protocol,
            max_updates=cell.budget.updates,
            max_seconds=cell.budget.seconds,
            n=self.n,
            top1=100 * self.top1 / n,
            top1_low=100 * low,
            top1_high=100 * high,
            top5=100 * self.top5 / n,
            ece=100 * (self.calibration.ece() or 0.0),
            updates=self.updates,
            seconds=self.seconds,
            ms_per_image=1000 * self.seconds / n,
            peak_mem_mb=peak_mem_mb,
            hits=encoded(self.hits, self.shots),
        )


def cells(
    methods: Sequence[Spec],
    protocols: Sequence[str],
    corruptions: Sequence[str],
    severities: Sequence[int],
    batches: Sequence[int],
    budgets: Sequence[Budget] = (Budget(),),
    data: Sequence[str] = ("images",),
) -> Iterator[Cell]:
    """All combinations, grouped by stream, so that each stream's pictures are corrupted once."""
    for kind, protocol, severity, batch in product(data, protocols, severities, batches):
        names = (CLEAN,) if kind in VARIANTS else tuple(corruptions)
        if severity != severities[0]:
            names = tuple(name for name in names if name != CLEAN)  # clean has no severity: once is enough
        groups = [names] if protocol in (MIXED, CONTINUAL) else [(name,) for name in names]
        for group in filter(None, groups):
            stream = Stream(protocol, group, severity, batch)
            yield from (Cell(method, stream, budget, kind) for method, budget in product(methods, budgets))
