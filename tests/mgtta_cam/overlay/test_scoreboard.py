"""The running accuracy as a picture: higher is up, now is right, and the models can be compared."""

from __future__ import annotations

import numpy as np
import pytest

from mgtta_cam.overlay.ink import ADAPTED, FROZEN, Box, Ink
from mgtta_cam.overlay.scoreboard import HEAD, ROW, Line, draw_chart, draw_scoreboard, draw_table
from mgtta_cam.types import Image, Score

CHART = Box(20, 20, 300, 120)


def chart(*lines: Line) -> Image:
    """A chart on black."""
    image = np.zeros((160, 360, 3), np.uint8)
    draw_chart(Ink(image, 12), CHART, list(lines))
    return image


def where(image: Image, color: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels of a color, however faint: its channels are in the same order."""
    red, _, blue = np.moveaxis(image.astype(int), 2, 0)
    rows, columns = np.nonzero(red > blue + 30 if color[0] > color[2] else blue > red + 30)
    return rows, columns


def line(share: float, n: int = 100, color: tuple[int, int, int] = ADAPTED) -> Line:
    """A model at one accuracy all along."""
    return Line("adapted", color, Score(n, share, share, (share,) * min(n, 120)))


def test_height_is_accuracy() -> None:
    """0, 50 and 100 % lie at the bottom, in the middle and at the top, within a pixel."""
    heights = [float(np.median(where(chart(line(share)), ADAPTED)[0])) for share in (0.0, 0.5, 1.0)]
    assert heights[0] > heights[1] > heights[2]
    assert heights[1] == pytest.approx((heights[0] + heights[2]) / 2, abs=1)
    assert heights[0] - heights[2] > 0.8 * CHART.h


def test_time_runs_to_the_right() -> None:
    """A model that improves has its low points left and its high points right."""
    rising = Line("adapted", ADAPTED, Score(100, 0.5, 1.0, tuple(np.linspace(0, 1, 100))))
    rows, columns = where(chart(rising), ADAPTED)
    assert np.corrcoef(rows, columns)[0, 1] < -0.95


def test_a_model_that_joined_late_is_drawn_on_the_same_time() -> None:
    """A model that saw the last quarter of the frames has a curve over the last quarter of the chart."""
    image = chart(line(0.2, 400), line(0.8, 100, FROZEN))
    early, late = where(image, ADAPTED)[1], where(image, FROZEN)[1]
    width = early.max() - early.min()
    assert late.max() == pytest.approx(early.max(), abs=2)
    assert late.max() - late.min() == pytest.approx(width / 4, rel=0.15)


def test_first_frame_is_a_dot() -> None:
    """One labeled frame has no curve yet, but a mark at the right edge."""
    columns = where(chart(line(1.0, 1)), ADAPTED)[1]
    assert columns.min() > CHART.x + CHART.w - 20


def test_everything_stays_in_the_box() -> None:
    """Curves at both ends of the scale and their marks do not leave the chart's box."""
    image = chart(line(0.0), line(1.0, 100, FROZEN))
    inside = image[CHART.y : CHART.y + CHART.h, CHART.x : CHART.x + CHART.w]
    assert image.any(axis=2).sum() == inside.any(axis=2).sum()


@pytest.mark.parametrize("box", [Box(10, 10, 220, 150), Box(10, 10, 700, 80)], ids=["tall", "wide"])
def test_scoreboard_keeps_to_its_box(box: Box) -> None:
    """Table and chart, stacked or side by side, stay in the box they were given, and use all of its width."""
    image = np.zeros((200, 760, 3), np.uint8)
    lines = [line(0.25, 100_000, FROZEN)._replace(name="frozen"), line(0.75, 100_000)]
    draw_scoreboard(Ink(image, 12), box, lines)
    rows, columns = np.nonzero(image.any(axis=2))
    assert box.y - 1 <= rows.min()
    assert rows.max() <= box.y + box.h
    assert box.x <= columns.min()
    assert columns.max() <= box.x + box.w
    assert columns.max() - columns.min() > 0.95 * box.w


def test_two_models_have_a_difference() -> None:
    """Below two models stands what adaptation gained: ink that follows the gap, and is absent for one model."""
    third = slice(round(12 * (HEAD + 2 * ROW)), round(12 * (HEAD + 3 * ROW)))

    def table(*lines: Line) -> Image:
        image = np.zeros((120, 260, 3), np.uint8)
        draw_table(Ink(image, 12), Box(0, 0, 240, 100), list(lines))
        return image[third]

    frozen = line(0.25, 100, FROZEN)
    assert table(frozen, line(0.75)).any()
    assert not np.array_equal(table(frozen, line(0.75)), table(frozen, line(0.15)))
    assert not table(line(0.75)).any()
