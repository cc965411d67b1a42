"""The bench's picture: bars, and curves over budgets."""

from __future__ import annotations

from pathlib import Path

import cv2
import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mgtta_cam.bench.cells import Row
from mgtta_cam.bench.chart import draw
from mgtta_cam.errors import OutputError

mpl.use("agg")


def row(method: str, corruption: str, top1: float, seconds: float, **more: object) -> Row:
    """A measured row of 100 pictures."""
    facts = {"severity": 5, "batch": 64, "protocol": "reset", "max_updates": None, "max_seconds": None, **more}
    return Row(
        data="images",
        method=method,
        corruption=corruption,
        n=100,
        top1=top1,
        top1_low=top1 - 1,
        top1_high=top1 + 1,
        top5=90.0,
        ece=1.0,
        updates=1,
        seconds=seconds,
        ms_per_image=10 * seconds,
        peak_mem_mb=None,
        **facts,  # pyright: ignore[reportArgumentType]
    )


def drawn(rows: list[Row], path: Path, monkeypatch: pytest.MonkeyPatch) -> Figure:
    """The figure that was written."""
    from matplotlib import pyplot as plt

    figures: list[Figure] = []
    monkeypatch.setattr(plt, "close", figures.append)
    draw(rows, path)
    monkeypatch.undo()
    plt.close("all")
    return figures[0]


def test_a_curve_leads_through_the_budgets_to_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Means over corruptions by time; updates and seconds apart; what is not finished is not averaged."""
    rows = [row("none", name, 20, 1) for name in ("fog", "snow")]
    for updates, top1, seconds in ((10, 50, 2), (None, 70, 4), (2, 30, 1)):
        rows += [row("mgtta", "fog", top1, seconds, max_updates=updates)]
        rows += [row("mgtta", "snow", top1 + 10, seconds, max_updates=updates)]
    rows += [row("mgtta", name, 60, 3, max_seconds=1.0) for name in ("fog", "snow")]
    rows += [row("tent", "fog", 99, 3)]
    figure = drawn(rows, tmp_path / "a.png", monkeypatch)
    bars, curves = figure.axes
    lines = {tuple(map(tuple, line.get_xydata())) for line in curves.get_lines()} - {()}  # pyright: ignore
    assert lines == {((10, 20),), ((10, 35), (20, 55), (40, 75)), ((30, 60), (40, 75))}
    assert [text.get_text() for text in curves.texts] == ["none", "mgtta"]
    assert [bar.get_height() for bar in bars.patches if isinstance(bar, Rectangle)] == [20, 20, 70, 80, 99]
    assert cv2.imread(str(tmp_path / "a.png")) is not None


def test_settings_lie_one_below_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Severities are not averaged; clean pictures join where there is one."""
    rows = [row("none", "fog", 20, 1), row("none", "clean", 90, 1, severity=0)]
    assert len(drawn(rows, tmp_path / "a.png", monkeypatch).axes) == 2
    rows += [row("none", "fog", 40, 1, severity=3)]
    titles = [axes.get_title(loc="left") for axes in drawn(rows, tmp_path / "a.png", monkeypatch).axes[::2]]
    assert titles == [
        f"images, reset, severity {severity}, windows of 64, 100 pictures; bars: 95 %" for severity in (0, 3, 5)
    ]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """One line with the path."""
    with pytest.raises(OutputError, match="cannot write"):
        draw([row("none", "fog", 20, 1)], tmp_path / "absent" / "a.png")
