"""Read a log in one pass, compactly enough for long runs."""

from __future__ import annotations

import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mgtta_cam.errors import UsageError
from mgtta_cam.log.format import Record, Seal, lines
from mgtta_cam.report.columns import Columns, Names, number
from mgtta_cam.report.run import CLEAN, UNKNOWN, Event, Frames, Run, Updates
from mgtta_cam.report.words import plain

REMEDY = "expected a log written by --log"
KINDS = {"index": "q", "corruption": "h", "answer": "i", "frozen": "i", "truth": "i", "digest": "Q"}
KINDS |= dict.fromkeys(("right", "same", "teacher", "frozen_teacher", "cut"), "b")  # all others are doubles


def load(path: Path) -> Run:
    """Read a log; a log torn by a kill is read up to its last complete line.

    Raises:
        UsageError: if there is no log, or it is damaged.
    """
    builder, seal = _Builder(), Seal(path.name)
    line = 0
    try:
        for text, record in lines(path):
            line += 1
            seal.take(text, record)
            builder.take(record)
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({(error.strerror or str(error)).lower()}): {REMEDY}") from None
    except (ValueError, TypeError, KeyError, AttributeError, LookupError, OverflowError, RecursionError) as error:
        known = str(error) if str(error).startswith(f"{path}, line") else f"{path}, line {line} is damaged"
        raise UsageError(f"{known}: {REMEDY}") from None
    except zlib.error:
        raise UsageError(f"{path} is damaged after line {line}: {REMEDY}") from None
    if not line:
        raise UsageError(f"{path} is empty or its first line is incomplete: {REMEDY}")
    return replace(builder.run(path), damage=seal.damage)


class _Traces(NamedTuple):
    """Where an update moved the adapted tensors."""

    places: list[int]  # indices among all tensors of the log
    moved: NDArray[np.float32]
    sketch: NDArray[np.float32]


class _Builder:
    def __init__(self) -> None:
        self._columns = {name: array(KINDS.get(name, "d")) for name in Frames.__dataclass_fields__}
        self._classes, self._corruptions, self._tensors = Names(), Names(CLEAN), Names()
        self._facts, self._losses, self._stats = Columns(), Columns(), Columns()
        self._skipped: list[str | None] = []
        self._update_corruption = array("h")
        self._traces: list[_Traces | None] = []
        self._by_digest: dict[str, _Traces] = {}
        self._adapted: list[int] = []
        self._events: list[Event] = []
        self._dropped: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._header: Record | None = None
        self._summary: Record | None = None
        self._t = 0.0
        self._take: dict[str, Callable[[Record], None]] = {
            "frame": self._frame,
            "update": self._update,
            "event": self._event,
            "stats": self._stat,
        }

    def take(self, record: Record) -> None:
        """Add the next line."""
        if (self._header is None) != (record["type"] == "header"):
            raise ValueError
        self._t = max(self._t, number(record["t"]))
        if record["type"] == "header":
            self._header = record
            self._adapted = [self._tensors[plain(name)] for name in record.get("adapted") or ()]
        elif record["type"] == "summary":
            self._summary = record
        elif record["type"] in self._take:
            self._take[record["type"]](record)

    def _frame(self, record: Record) -> None:
        corr, frozen, truth = record["corr"], record.get("frozen_top"), record.get("truth")
        answer, p = record["top"][0]
        said, frozen_p = frozen[0] if frozen else (None, None)
        row = {
            "t": number(record["t"]),
            "media_s": number(record["pts_ms"]) / 1000,
            "index": record["i"],
            "age_ms": number(record["age_ms"]),
            "infer_ms": number(record["ms"].get("infer")),
            "entropy": number(record["H"]),
            "corruption": 0 if corr is None else self._corruptions[f"{plain(corr['name'])}:{corr['severity']:d}"],
            "answer": self._classes[plain(answer)],
            "p": number(p),
            "frozen": UNKNOWN if said is None else self._classes[plain(said)],
            "frozen_p": number(frozen_p),
            "truth": UNKNOWN if truth is None else self._classes[plain(truth)],
            "right": _yes(record.get("ok", None if truth is None else truth == answer)),
            "same": _yes(None if said is None else said == answer),
            "teacher": _yes(record.get("teacher_agree")),
            "frozen_teacher": _yes(record.get("frozen_agree")),
            "cut": int(record.get("cut") is True),
            "digest": int(record["in"][:16] or "0", 16),
        }
        for name, column in self._columns.items():
            column.append(row[name])
        for cause, n in record["dropped_before"].items():
            self._dropped[plain(cause)] += int(n)
        if record.get("refused"):
            self._rejected[plain(record["refused"])] += 1

    def _update(self, record: Record) -> None:
        self._facts.add(
            {name: record[name] for name in ("t", "n", "gnorm", "dnorm", "lr", "ess", "ms")}
            | {"size": len(record["frames"])}
        )
        self._losses.add({plain(name): value for name, value in record["loss"].items()})
        self._skipped.append(None if record["skipped"] is None else plain(record["skipped"]))
        last = self._columns["corruption"]
        self._update_corruption.append(last[-1] if last else 0)
        traces = record.get("tensors")
        if traces is not None:
            moved, sketch = (np.array([number(v) for v in traces[name]], np.float32) for name in ("moved", "sketch"))
            if len(moved) == len(sketch) == len(self._adapted):  # otherwise the tensors cannot be assigned
                self._by_digest[record["params"]] = _Traces(self._adapted, moved, sketch)
        elif record["dnorm"] == 0:
            zeros = np.zeros(len(self._adapted), np.float32)
            self._by_digest[record["params"]] = _Traces(self._adapted, zeros, zeros)
        self._traces.append(self._by_digest.get(record["params"]))  # nothing moved, or a return to earlier parameters

    def _event(self, record: Record) -> None:
        facts = {name: value for name, value in record.items() if name not in ("v", "t", "type", "kind", "nonfinite")}
        if record["kind"] == "method":
            self._adapted = [self._tensors[plain(name)] for name in facts.pop("adapted", None) or ()]
            self._by_digest.clear()
        self._events.append(Event(number(record["t"]), plain(record["kind"]), len(self._columns["t"]), facts))

    def _stat(self, record: Record) -> None:
        row = {"t": record["t"], "memory_mb": record.get("memory_mb")}
        estimate = record.get("estimate")
        row |= {"estimate": estimate} if not isinstance(estimate, Mapping) else _flat("estimate", estimate)
        self._stats.add(
            row | _flat("fps", record["fps"]) | _flat("ms", record["ms"]) | _flat("dropped", record["dropped"])
        )

    def run(self, path: Path) -> Run:
        """The run that the lines describe."""
        assert self._header is not None
        frames = Frames(**{name: np.array(column) for name, column in self._columns.items()})
        moved = np.full((len(self._skipped), len(self._tensors.all())), np.nan, np.float32)
        sketch = moved.copy()
        for row, traces in enumerate(self._traces):
            if traces is not None:
                moved[row, traces.places], sketch[row, traces.places] = traces.moved, traces.sketch
        updates = Updates(
            self._facts.arrays(),
            self._losses.arrays(),
            tuple(self._skipped),
            np.array(self._update_corruption),
            self._tensors.all(),
            moved,
            sketch,
        )
        return Run(
            path,
            self._header,
            self._summary,
            frames,
            updates,
            self._stats.arrays(),
            tuple(self._events),
            self._classes.all(),
            self._corruptions.all(),
            self._dropped,
            self._rejected,
            self._t,
        )


def _yes(value: object) -> int:
    return int(value) if isinstance(value, bool) else UNKNOWN


def _flat(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Flatten nested mappings; names are joined by dots."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= (
            _flat(f"{prefix}.{plain(name)}", value)
            if isinstance(value, Mapping)
            else {f"{prefix}.{plain(name)}": value}
        )
    return flat
