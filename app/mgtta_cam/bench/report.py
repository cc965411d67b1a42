"""Format rows as tables for the terminal, and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import groupby
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.box import SIMPLE
from rich.table import Table

from mgtta_cam.bench import intervals
from mgtta_cam.bench.cells import Budget, Row
from mgtta_cam.bench.data import CLEAN
from mgtta_cam.bench.paper import Plan
from mgtta_cam.errors import OutputError

BASE = "none"  # the method that others are compared with
COLUMNS = [field.name for field in fields(Row) if field.name != "hits"]
OVER, PAIRED, TIMES = f"gain over {BASE}", "± 95 %, paired", f"times {BASE}"


class Setting(NamedTuple):
    """What rows must have in common, apart from budgets, to be averaged and compared."""

    data: str
    protocol: str
    severity: int
    batch: int

    def __str__(self) -> str:
        return f"{self.data}, {self.protocol}, severity {self.severity}, windows of {self.batch}"


def settings(rows: Sequence[Row]) -> Iterator[tuple[Setting, list[Row]]]:
    """The rows of each setting."""
    severities = {row.severity for row in rows if row.corruption != CLEAN}
    only = severities.pop() if len(severities) == 1 else 0  # clean pictures join the only setting

    def setting(row: Row) -> Setting:
        return Setting(row.data, row.protocol, row.severity or only, row.batch)

    for key, group in groupby(sorted(rows, key=setting), key=setting):
        yield key, list(group)


def by_budget(rows: Sequence[Row]) -> list[tuple[Budget, list[Row]]]:
    """The rows of each budget: by updates, by seconds, then without; each from the smallest."""

    def size(row: Row) -> list[float]:
        return [inf if most is None else most for most in (row.max_updates, row.max_seconds)]

    groups = [list(own) for _, own in groupby(sorted(rows, key=size), key=size)]
    return [(Budget(own[0].max_updates, own[0].max_seconds), own) for own in groups]


def tables(rows: Sequence[Row]) -> Iterator[Table]:
    """Top-1 by method and corruption, one table per measured setting and budget."""
    for setting, own in settings(rows):
        for budget, chosen in by_budget(own):
            how = f"{setting}, {budget}" if str(budget) else str(setting)
            yield _table(how, chosen)


def _table(how: str, rows: Sequence[Row]) -> Table:
    """Corruptions down, methods across, so that another method adds one narrow column."""
    shown = Table(title=f"top-1 accuracy, %: {how}, {pictures_of(rows)}", box=SIMPLE)
    corruptions = list(dict.fromkeys(row.corruption for row in rows))
    by_method = {name: [row for row in rows if row.method == name] for name in dict.fromkeys(r.method for r in rows)}
    shown.add_column("")
    for method in by_method:
        shown.add_column(method.replace(":", "\n"), justify="right")
    for name in corruptions:
        top1 = ({row.corruption: f"{row.top1:.1f}" for row in own} for own in by_method.values())
        shown.add_row(name.replace("_", " "), *(values.get(name, "") for values in top1))
    shown.add_section()
    base = by_method.get(BASE, [])
    summaries = [_summary(own, base) if len(own) == len(corruptions) else {} for own in by_method.values()]
    for name in ("mean", "± 95 %", OVER, PAIRED, "top-5", "ECE", "ms per picture", TIMES, "peak MB"):
        if any(name in summary for summary in summaries):
            shown.add_row(name, *(summary.get(name, "") for summary in summaries))
    return shown


def _summary(rows: Sequence[Row], base: Sequence[Row]) -> dict[str, str]:
    """A method's figures over all corruptions except clean; `base` are the rows of the baseline method."""
    chosen = scored(rows)
    own = intervals.scores([row.hits for row in chosen])
    found = {
        "mean": mean([row.top1 for row in chosen]),
        "± 95 %": mean([(row.top1_high - row.top1_low) / 2 for row in chosen])  # upper bound: as if all were identical
        if own is None
        else 100 * intervals.half_width(own),
        "top-5": mean([row.top5 for row in chosen]),
        "ECE": mean([row.ece for row in chosen]),
        "ms per picture": ms_per_picture(rows),
    }
    shown = {name: f"{value:.1f}" for name, value in found.items()}
    theirs = {row.corruption: row for row in base}
    if base and own is not None and all(row.corruption in theirs for row in chosen) and rows[0].method != BASE:
        other = intervals.scores([theirs[row.corruption].hits for row in chosen])
        if other is not None and other.shape == own.shape:
            shown[OVER] = f"{100 * np.nanmean(own - other):+.1f}"
            shown[PAIRED] = f"{100 * intervals.half_width(own - other):.1f}"
    if base and len({row.workers for row in (*rows, *base)}) == 1:
        shown[TIMES] = f"{found['ms per picture'] / ms_per_picture(base):.2f}"
    if peaks := [row.peak_mem_mb for row in rows if row.peak_mem_mb is not None]:
        shown["peak MB"] = f"{max(peaks):.0f}"
    return shown


def scored(rows: Sequence[Row]) -> list[Row]:
    """The rows to average: all except clean, unless there are no others."""
    return [row for row in rows if row.corruption != CLEAN] or list(rows)


def pictures_of(rows: Sequence[Row]) -> str:
    """The number of pictures, and of frames if pictures were shown more than once."""
    answers = max(row.n for row in rows)
    pictures = max(len(row.hits) - row.hits.count(intervals.NEVER) for row in rows) or answers
    return f"{pictures} pictures" + (f", {answers} frames" if answers > pictures else "")


def plain(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows for JSON and CSV, without per-picture results."""
    return [{name: getattr(row, name) for name in COLUMNS} for row in rows]


def as_published(number: int, plan: Plan, rows: Sequence[Row], compare: bool) -> Table:
    """A table in the paper's layout, with the paper's numbers in brackets if data and model are the same."""
    note = "; in brackets: the paper's" if compare else "; the paper's numbers are for other pictures or another model"
    shown = Table(title=f"Table {number}. {plan.title}{note}", box=SIMPLE)
    columns = {name: pick for name, pick in plan.columns.items() if any(pick(row) for row in rows)}
    shown.add_column("")
    for name in columns:
        shown.add_column(name.replace("_", " "), justify="right")
    for name, in_row in plan.rows.items():
        cells = []
        for column, in_column in columns.items():
            found = [row.seconds if name == "seconds" else row.top1 for row in rows if in_row(row) and in_column(row)]
            paper = plan.published.get((name, column)) if compare and found else None
            cells.append((f"{mean(found):.1f}" if found else "-") + (f" ({paper})" if paper is not None else ""))
        if set(cells) != {"-"}:
            shown.add_row(name, *cells)
    return shown


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """Write a CSV file with one line per row.

    Raises:
        OutputError: if the file cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(plain(rows))
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None


def ms_per_picture(rows: Sequence[Row]) -> float:
    """Milliseconds per picture."""
    return 1000 * sum(row.seconds for row in rows) / sum(row.n for row in rows) if rows else 0.0


def mean(values: Sequence[float]) -> float:
    """Mean of the values; zero if there are none."""
    return sum(values) / len(values) if values else 0.0
