"""The overlay's running accuracy: a small table, and a curve for each model on one scale."""

from __future__ import annotations

from typing import NamedTuple

from mgtta_cam.overlay.ink import BOLD, QUIET, TRACK, Box, Color, Ink
from mgtta_cam.types import Score, Verdict

# Sizes in ems.
HEAD, ROW, VERDICT = 1.35, 1.5, 1.2
TABLE_WIDTH = 17.0
MIN_CHART = 3.4
RECENT = 200  # frames that `Score.recent` covers
HEADINGS = {"labels": "accuracy", "teacher": "agrees with clean", "estimate": "estimated accuracy"}
SIGNIFICANT = 0.05  # p below which a difference is called clear


class Line(NamedTuple):
    """One model's accuracy, with the model's color."""

    name: str
    color: Color
    score: Score


def table_ems(lines: int) -> float:
    """Height of the table in ems: a heading, a row per model, and for two models the gain and its verdict."""
    return HEAD + ROW * lines + (ROW + VERDICT if lines == 2 else 0)


def draw_scoreboard(ink: Ink, box: Box, lines: list[Line], verdict: Verdict | None = None) -> None:
    """Draw table and chart: side by side in a wide box, otherwise the chart below the table."""
    table = ink.px(table_ems(len(lines)))
    if box.w >= 2 * ink.px(TABLE_WIDTH) and box.h < table + ink.px(2 * MIN_CHART):
        wide, gap = ink.px(TABLE_WIDTH), ink.px(1.6)
        draw_table(ink, Box(box.x, box.y + max(0, (box.h - table) // 2), wide, table), lines, verdict)
        draw_chart(ink, Box(box.x + wide + gap, box.y, box.w - wide - gap, box.h), lines)
    else:
        draw_table(ink, Box(box.x, box.y, box.w, table), lines, verdict)
        top = table + ink.px(0.6)
        draw_chart(ink, Box(box.x, box.y + top, box.w, box.h - top), lines)


def draw_table(ink: Ink, box: Box, lines: list[Line], verdict: Verdict | None = None) -> None:
    """Draw each model's accuracy over the last 200 labeled frames and over all, the gain, and its significance."""
    number = ink.px(5.2)
    ends = (box.x + box.w - number, box.x + box.w)
    most = max(line.score.n for line in lines)
    head = ink.center_line(box.y, ink.px(HEAD), 0.85)
    ink.text(
        HEADINGS[lines[0].score.by],
        box.x,
        head,
        width=ends[0] - box.x,
        size=0.85,
        color=QUIET,
    )
    for end, word in zip(ends, (f"last {min(most, RECENT)}", f"all {most:,}"), strict=True):
        ink.text(word, end, head, width=number, size=0.85, color=QUIET, align="right")
    y = box.y + ink.px(HEAD)
    for line in lines:
        baseline = ink.center_line(y, ink.px(ROW))
        ink.bar(Box(box.x, y + ink.px(ROW / 2 - 0.17), ink.px(1.2), ink.px(0.34)), 1.0, line.color)
        ink.text(line.name, box.x + ink.px(1.7), baseline, width=ends[0] - number - box.x)
        for end, share in zip(ends, (line.score.recent, line.score.overall), strict=True):
            ink.text(f"{share:.1%}", end, baseline, width=number, weight=BOLD, align="right")
        y += ink.px(ROW)
    if len(lines) == 2:
        first, second = lines[0].score, lines[1].score
        baseline = ink.center_line(y, ink.px(ROW))
        ink.text("difference", box.x + ink.px(1.7), baseline, width=ends[0] - number - box.x, color=QUIET)
        gains = (second.recent - first.recent, second.overall - first.overall)
        for end, gain in zip(ends, gains, strict=True):
            points = f"{100 * gain:+.1f}".replace("-", "−")
            ink.text(points, end - ink.text_width("%", 1.0, BOLD), baseline, width=number, align="right")
        y += ink.px(ROW)
        if verdict is not None:
            baseline = ink.center_line(y, ink.px(VERDICT), 0.85)
            ink.text(
                sentence(verdict), box.x + ink.px(1.7), baseline, width=box.w - ink.px(1.7), size=0.85, color=QUIET
            )


def sentence(verdict: Verdict) -> str:
    """Say which model is better, by how many scenes, and how significantly."""
    which = "no clear difference"
    if verdict.p < SIGNIFICANT:
        which = "adapted better" if verdict.better > verdict.worse else "adapted worse"
    p = "p < 0.001" if verdict.p < 0.001 else f"p = {verdict.p:.3f}"
    return f"{which}: {verdict.better} to {verdict.worse} scenes, {p}"


def draw_chart(ink: Ink, box: Box, lines: list[Line]) -> None:
    """Draw running accuracy over the labeled frames: 0 to 100 % on y, start of the run to now on x."""
    axis = ink.text_width("100", 0.8) + ink.px(0.5)
    inset = ink.px(0.5)
    left, right = box.x + axis, box.x + box.w - inset
    top, bottom = box.y + inset, box.y + box.h - inset
    for percent in (0, 50, 100):
        y = round(bottom - percent / 100 * (bottom - top))
        ink.image[y, left:right] = TRACK
        baseline = ink.center_line(y, 0, 0.8)
        ink.text(str(percent), left - ink.px(0.5), baseline, width=axis, size=0.8, color=QUIET, align="right")
    most = max(line.score.n for line in lines)
    for line in lines:
        # A model that joined the run later has a shorter curve; both end now.
        start = right - (right - left) * line.score.n / most
        steps = max(1, len(line.score.curve) - 1)
        points = [
            (start + (right - start) * i / steps, bottom - share * (bottom - top))
            for i, share in enumerate(line.score.curve)
        ]
        if len(points) > 1:
            ink.curve(points, line.color, ink.em / 9)
    for i, line in enumerate(lines):
        end = round(bottom - line.score.curve[-1] * (bottom - top)) if line.score.curve else bottom
        radius = 0.34 if i < len(lines) - 1 else 0.22  # where the two meet, the lower one stays visible
        ink.dot(right, end, ink.px(radius), line.color)
