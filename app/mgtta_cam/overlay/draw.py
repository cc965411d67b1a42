"""Draw a result on its frame: a pure function, with one layout for every size.

The drawing is as large as the frame, or as the frame enlarged until text fits. Its size depends on the frame's
size alone, whatever is switched on or off, so a video writer accepts every picture.
"""

from __future__ import annotations

from dataclasses import dataclass

from mgtta_cam.overlay.canvas import blank, canvas_size, place
from mgtta_cam.overlay.ink import ADAPTED, BOLD, FROZEN, PAPER, Box, Color, Ink
from mgtta_cam.overlay.panels import NO_METHOD, PAD, Answer, answer, answer_ems, draw_answer, draw_help, draw_status
from mgtta_cam.overlay.scoreboard import MIN_CHART, Line, draw_scoreboard, table_ems
from mgtta_cam.types import FrameResult, Image

SMALLEST_EM = 12
MARGIN, STATUS, CHIP = 0.8, 2.2, 1.9  # ems
MAX_CARD_WIDTH = 30.0  # ems


@dataclass(frozen=True, slots=True)
class Style:
    """What to show; keys change it."""

    classes: tuple[str, ...] = ()  # names by class index
    level: int = 2  # 0 nothing, 1 the prediction, 2 everything
    topk: int = 5  # classes to list, space permitting
    split: bool = False  # frozen and adapted side by side, if the frozen model ran
    adapting: bool = True
    paused: bool = False
    corrupting: bool = False  # this run corrupts frames, so the others are labeled "clean"
    help: tuple[tuple[str, str], ...] = ()  # (key, what it does); shown unless empty

    def __post_init__(self) -> None:
        if self.level not in (0, 1, 2):
            raise ValueError(f"level must be 0, 1 or 2, got {self.level}")
        if self.topk < 1:
            raise ValueError(f"topk must be at least 1, got {self.topk}")


def draw(result: FrameResult, style: Style) -> Image:
    """Return a new picture: the frame with the models' predictions and the run's state drawn on it.

    Args:
        result: the result to draw. Its frame's image is uint8 [h, w, 3] RGB with h, w >= 1 and is not modified.
        style: what to show.

    Returns:
        uint8 RGB of `canvas_size(h, w)`. The same arguments give the same pixels.
    """
    image = result.frame.image
    high, wide = canvas_size(*image.shape[:2])
    em = max(SMALLEST_EM, round(min(high, wide) / 45))
    ink = Ink(blank(high, wide), em)
    if style.level and style.split and result.frozen_logits is not None:
        _draw_split(ink, result, style)
    else:
        place(image, ink.image, Box(0, 0, wide, high))
        if style.level:
            _draw_single(ink, result, style)
    if style.help:
        margin = ink.px(MARGIN)
        draw_help(ink, Box(margin, margin, wide - 2 * margin, high - 2 * margin), style.help)
    return ink.image


def _name(result: FrameResult) -> str:
    return "not adapted" if result.method == NO_METHOD else "adapted"


def _lines(result: FrameResult) -> list[Line]:
    scores = (("frozen", FROZEN, result.frozen_score), (_name(result), ADAPTED, result.score))
    return [Line(name, color, score) for name, color, score in scores if score is not None and score.n]


def _judged(result: FrameResult) -> bool:
    """Whether labels or a teacher judge this run's predictions; if so, the layout reserves a line for the truth."""
    return result.frame.label is not None or (result.score is not None and result.score.by != "estimate")


def _rows(room: float, truth: bool, topk: int) -> int:
    """Number of classes that fit into a height in ems; at least 1."""
    return next((k for k in range(topk, 1, -1) if answer_ems(k, truth) <= room), 1)


def _draw_status(ink: Ink, result: FrameResult, style: Style) -> int:
    """Draw the status line along the top and return its bottom edge in pixels."""
    margin, wide = ink.px(MARGIN), ink.image.shape[1]
    box = Box(margin, margin, wide - 2 * margin, ink.px(STATUS))
    draw_status(ink, box, result, adapting=style.adapting, paused=style.paused, corrupting=style.corrupting)
    return box.y + box.h


def _draw_single(ink: Ink, result: FrameResult, style: Style) -> None:
    """Draw one picture with cards: status at the top, prediction at the bottom left, accuracy at the bottom right."""
    high, wide = ink.image.shape[:2]
    margin, pad = ink.px(MARGIN), ink.px(PAD)
    lines = _lines(result)
    full = style.level == 2
    truth = full and _judged(result)
    rows = _rows(0.45 * high / ink.em - 2 * PAD, truth, style.topk) if full else 1
    card_w = min(ink.px(MAX_CARD_WIDTH), (wide - 3 * margin) // 2)

    def card(left: bool, ems: float) -> Box:
        h = ink.px(ems) + 2 * pad
        box = Box(margin if left else wide - margin - card_w, high - margin - h, card_w, h)
        ink.card(box)
        return Box(box.x + pad, box.y + pad, box.w - 2 * pad, box.h - 2 * pad)

    said = answer(result.logits, result, style.classes, rows)
    left_ems = answer_ems(rows, truth)
    draw_answer(ink, card(True, left_ems), said, ADAPTED, truth=truth)
    if full:
        _draw_status(ink, result, style)
        if lines:
            draw_scoreboard(ink, card(False, max(left_ems, table_ems(len(lines)) + MIN_CHART)), lines, result.verdict)


def _draw_split(ink: Ink, result: FrameResult, style: Style) -> None:
    """Draw the picture twice, frozen | adapted, each above its prediction; both accuracies share one scale."""
    assert result.frozen_logits is not None
    high, wide = ink.image.shape[:2]
    margin, gap = ink.px(MARGIN), ink.px(0.7)
    lines = _lines(result)
    full = style.level == 2
    truth = full and _judged(result)
    top = _draw_status(ink, result, style) + gap if full else 0
    board = ink.px(table_ems(2)) if full and lines else 0
    fixed = top + 2 * gap + margin + (board + gap if board else 0)
    height, width = result.frame.image.shape[:2]
    picture = round(wide / 2 * height / width)
    rows = _rows((high - fixed - picture) / ink.em, truth, style.topk) if full else 1
    rows = max(rows, min(3, style.topk)) if full else 1
    answers = ink.px(answer_ems(rows, truth))
    picture = min(picture, high - fixed - answers)
    slack = high - fixed - answers - picture  # left over on tall frames: goes to the chart, or to the margins
    top += 0 if board else slack // 2
    half = wide // 2
    models: list[tuple[str, Color, Answer]] = [
        ("frozen", FROZEN, answer(result.frozen_logits, result, style.classes, rows)),
        (_name(result), ADAPTED, answer(result.logits, result, style.classes, rows)),
    ]
    y = top + picture + 2 * gap
    left = place(result.frame.image, ink.image, Box(0, top, half, picture))
    ink.image[top : top + picture, half : 2 * half] = ink.image[top : top + picture, :half]
    for i, (name, accent, said) in enumerate(models):
        where = left._replace(x=left.x + i * half)
        _draw_chip(ink, where, name, accent)
        ink.image[where.y + where.h : where.y + where.h + ink.px(0.25), where.x : where.x + where.w] = accent
        draw_answer(ink, Box(i * half + margin, y, half - 2 * margin, answers), said, accent, truth=truth)
    ink.image[top : top + picture + ink.px(0.25), half - 1 : half + 1] = PAPER
    if board:
        y += answers + gap
        draw_scoreboard(ink, Box(margin, y, wide - 2 * margin, high - margin - y), lines, result.verdict)


def _draw_chip(ink: Ink, picture: Box, name: str, accent: Color) -> None:
    """Draw the model's name on its color in the corner of its picture."""
    wide, high = ink.text_width(name, weight=BOLD) + 2 * ink.px(0.6), ink.px(CHIP)
    ink.image[picture.y : picture.y + high, picture.x : picture.x + wide] = accent
    baseline = ink.center_line(picture.y, high)
    ink.text(name, picture.x + ink.px(0.6), baseline, width=wide, color=PAPER, weight=BOLD)
