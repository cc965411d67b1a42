"""Rows as tables on the terminal, as CSV, and as a picture."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from itertools import groupby
from pathlib import Path

from rich.box import SIMPLE
from rich.table import Table

from app.bench.cells import Budget, Row
from app.bench.data import CLEAN
from app.bench.paper import Plan
from app.errors import OutputError

BASE = "none"  # what times are compared with


def tables(rows: Sequence[Row]) -> Iterator[Table]:
    """Top-1 by method and corruption, one table for each setting that was measured."""
    severities = {row.severity for row in rows if row.corruption != CLEAN}
    only = severities.pop() if len(severities) == 1 else 0  # clean pictures join the one table there is

    def setting(row: Row) -> tuple[str, str, int, int, str]:
        budget = str(Budget(row.max_updates, row.max_seconds))
        return row.data, row.protocol, row.severity or only, row.batch, budget

    for key, group in groupby(sorted(rows, key=setting), key=setting):
        yield _table(key, list(group))


def _table(setting: tuple[str, str, int, int, str], rows: Sequence[Row]) -> Table:
    """Corruptions down, methods across: a method more is one narrow column."""
    data, protocol, severity, batch, budget = setting
    how = f"{data}, {protocol}, severity {severity}, windows of {batch}" + (f", {budget}" if budget else "")
    shown = Table(title=f"top-1 accuracy, %: {how}, {max(row.n for row in rows)} pictures", box=SIMPLE)
    corruptions = list(dict.fromkeys(row.corruption for row in rows))
    by_method = {name: [row for row in rows if row.method == name] for name in dict.fromkeys(r.method for r in rows)}
    shown.add_column("")
    for method in by_method:
        shown.add_column(method.replace(":", "\n"), justify="right")
    for name in corruptions:
        top1 = ({row.corruption: f"{row.top1:.1f}" for row in own} for own in by_method.values())
        shown.add_row(name.replace("_", " "), *(values.get(name, "") for values in top1))
    shown.add_section()
    base = _ms(by_method.get(BASE, []))
    summaries = [_summary(own, base) if len(own) == len(corruptions) else {} for own in by_method.values()]
    for name in ("mean", "± 95 %", "top-5", "ECE", "ms a picture", f"times {BASE}", "MB at most"):
        if any(name in summary for summary in summaries):
            shown.add_row(name, *(summary.get(name, "") for summary in summaries))
    return shown


def _summary(rows: Sequence[Row], base: float) -> dict[str, str]:
    """A method's figures over all corruptions, clean pictures aside."""
    scored = [row for row in rows if row.corruption != CLEAN] or list(rows)
    half = [(row.top1_high - row.top1_low) / 2 for row in scored]
    found = {
        "mean": _mean([row.top1 for row in scored]),
        "± 95 %": sum(h * h for h in half) ** 0.5 / len(half),
        "top-5": _mean([row.top5 for row in scored]),
        "ECE": _mean([row.ece for row in scored]),
        "ms a picture": _ms(rows),
    }
    shown = {name: f"{value:.1f}" for name, value in found.items()}
    if base:
        shown[f"times {BASE}"] = f"{found['ms a picture'] / base:.2f}"
    if peaks := [row.peak_mem_mb for row in rows if row.peak_mem_mb is not None]:
        shown["MB at most"] = f"{max(peaks):.0f}"
    return shown


def as_published(number: int, plan: Plan, rows: Sequence[Row], compare: bool) -> Table:
    """A table in the paper's layout; its numbers stand in brackets where they are of the same data and model."""
    note = "; in brackets: the paper's" if compare else "; the paper's numbers are of other pictures or another model"
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
            cells.append((f"{_mean(found):.1f}" if found else "-") + (f" ({paper})" if paper is not None else ""))
        if set(cells) != {"-"}:
            shown.add_row(name, *cells)
    return shown


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """One line a row.

    Raises:
        OutputError: if it cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Row)])
            writer.writeheader()
            writer.writerows(asdict(row) for row in rows)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None


def draw(rows: Sequence[Row], path: Path) -> None:
    """Accuracy by method and corruption, and accuracy against time, side by side in a PNG.

    Raises:
        OutputError: if it cannot be written.
    """
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    methods = list(dict.fromkeys(row.method for row in rows))
    corruptions = list(dict.fromkeys(row.corruption for row in rows))
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(14, 5), width_ratios=(max(3.0, 0.7 * len(corruptions)), 3.5), layout="constrained"
    )
    colors = plt.get_cmap("tab20").colors  # pyright: ignore[reportAttributeAccessIssue]
    width = 0.8 / len(methods)
    for i, method in enumerate(methods):
        own = [row for row in rows if row.method == method]
        means = [_mean([row.top1 for row in own if row.corruption == name]) for name in corruptions]
        places = [j + (i - (len(methods) - 1) / 2) * width for j in range(len(corruptions))]
        left.bar(places, means, width, color=colors[i % len(colors)], label=method)
        if len({row.corruption for row in own}) < len(corruptions):
            continue  # not finished: its mean would be of other corruptions
        ms, accuracy = _ms(own), _mean([row.top1 for row in own])
        right.scatter(ms, accuracy, color=colors[i % len(colors)], zorder=3)
        right.annotate(method, (ms, accuracy), textcoords="offset points", xytext=(5, 4), fontsize=8)
    left.set_xticks(range(len(corruptions)), [name.replace("_", "\n") for name in corruptions], fontsize=7)
    left.set_ylabel("top-1 accuracy, %")
    left.legend(fontsize=8, ncols=min(7, len(methods)), loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    right.set_xscale("log")
    right.set_xlabel("ms a picture (logarithmic)")
    right.set_ylabel("mean top-1 accuracy, %")
    for axes in (left, right):
        axes.grid(axis="y", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    try:
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        plt.close(figure)


def _ms(rows: Sequence[Row]) -> float:
    """Milliseconds a picture."""
    return 1000 * sum(row.seconds for row in rows) / sum(row.n for row in rows) if rows else 0.0


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
