"""The overlay's parts, each drawn into a box: prediction, status line, help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mgtta_cam.metrics.predictions import probabilities, ranking
from mgtta_cam.overlay.ink import ADAPTED, BOLD, QUIET, REGULAR, TEXT, TRACK, Box, Color, Ink
from mgtta_cam.types import FrameResult

# Heights in ems.
HERO, HERO_BAR, TRUTH, ROW = 2.1, 0.9, 1.5, 1.45
NO_METHOD = "none"  # the method that never updates
WHY_SKIPPED = {  # why an update left the model unchanged
    "sure": "as confident as on clean images",
    "alike": "all one class: update skipped",
    "guard": "harmful update undone",
}
PAD = 0.8  # padding of a card
SPEED_TEMPLATE = ("000.0 ms", "000.0 fps")  # the widest usual values


class Answer(NamedTuple):
    """One model's prediction for a frame, ready to draw."""

    rows: tuple[tuple[int, str, float], ...]  # (class, name, probability 0..1), best first
    truth: int | None
    truth_name: str
    from_teacher: bool = False  # the source model's prediction on the clean frame stands in for the truth


def answer(logits: NDArray[np.float32], result: FrameResult, classes: Sequence[str], topk: int) -> Answer:
    """The `topk` best classes of a result by one model's logits; no classes if the logits are not finite."""
    from_teacher = result.frame.label is None and result.teacher is not None
    label = result.teacher if from_teacher else result.frame.label

    def name(index: int) -> str:
        return classes[index] if 0 <= index < len(classes) else f"class {index}"

    rows: tuple[tuple[int, str, float], ...] = ()
    if logits.size and np.isfinite(logits).all():
        shares = probabilities(logits)
        rows = tuple((i, name(i), float(shares[i])) for i in ranking(shares, topk))
    return Answer(rows, label, "" if label is None else name(label), from_teacher)


def answer_ems(rows: int, truth: bool) -> float:
    """Height in ems of a prediction with this number of rows; a single row has no bar."""
    return HERO + (HERO_BAR + ROW * (rows - 1) if rows > 1 else 0) + (TRUTH if truth else 0)


def draw_answer(ink: Ink, box: Box, said: Answer, accent: Color, *, truth: bool) -> None:
    """Draw the best class in large type, with a verdict if the truth is known, and the others below in columns."""
    if not said.rows:
        baseline = ink.center_line(box.y, ink.px(HERO), 1.5)
        ink.text("no prediction", box.x, baseline, width=box.w, size=1.5, color=QUIET)
        return
    _draw_first(ink, box, said, accent)
    y = box.y + ink.px(HERO)
    if len(said.rows) > 1:
        ink.bar(Box(box.x, y, box.w, ink.px(0.42)), said.rows[0][2], accent)
        y += ink.px(HERO_BAR)
    if truth:
        baseline = ink.center_line(y, ink.px(TRUTH), 0.92)
        word = ink.text(
            "clean" if said.from_teacher else "truth", box.x, baseline, width=box.w, size=0.92, color=QUIET
        ) + ink.px(0.5)
        ink.text(said.truth_name or "unknown", box.x + word, baseline, width=box.w - word, size=0.92)
        y += ink.px(TRUTH)
    for row in said.rows[1:]:
        _draw_row(ink, Box(box.x, y, box.w, ink.px(ROW)), row, accent, true=row[0] == said.truth)
        y += ink.px(ROW)


def _draw_first(ink: Ink, box: Box, said: Answer, accent: Color) -> None:
    best, name, share = said.rows[0]
    left, right = box.x, box.x + box.w
    if said.truth is not None:
        radius = ink.px(0.7)
        ink.verdict(left + radius, box.y + ink.px(0.95), radius, right=best == said.truth)
        left += 2 * radius + ink.px(0.5)
    baseline = ink.center_line(box.y, ink.px(1.9), 1.5)
    ink.text(f"{share:.1%}", right, baseline, width=box.w, size=1.5, color=accent, weight=BOLD, align="right")
    room = right - ink.text_width("100.0%", 1.5, BOLD) - ink.px(0.6) - left
    size = next((size for size in (1.5, 1.25) if ink.text_width(name, size, BOLD) <= room), 1.05)
    ink.text(name, left, baseline, width=room, size=size, weight=BOLD)


def _draw_row(ink: Ink, box: Box, row: tuple[int, str, float], accent: Color, *, true: bool) -> None:
    _, name, share = row
    number, gap, high = ink.px(3.1), ink.px(0.6), ink.px(0.34)
    names = round(0.58 * (box.w - number))
    color, weight = (TEXT, BOLD) if true else (QUIET, REGULAR)
    baseline = ink.center_line(box.y, box.h, 0.92)
    ink.text(name, box.x, baseline, width=names, size=0.92, color=color, weight=weight)
    track = Box(box.x + names + gap, box.y + (box.h - high) // 2, box.w - number - names - gap, high)
    ink.bar(track, share, accent)
    ink.text(
        f"{share:.1%}",
        box.x + box.w,
        baseline,
        width=number,
        size=0.92,
        color=color,
        weight=weight,
        align="right",
    )


def why_not_adapting(result: FrameResult) -> str | None:
    """Why the model is not adapting right now, in words; None if it is, or if its method never does."""
    if result.method == NO_METHOD:
        return None
    if result.frame.rejected:
        return f"{result.frame.rejected}: not learned from"
    return WHY_SKIPPED.get(result.skipped or "")


def draw_status(ink: Ink, box: Box, result: FrameResult, *, adapting: bool, paused: bool, corrupting: bool) -> None:
    """Draw three cards: method and updates at the left, then the corruption, and speed at the right."""
    pad, gap = ink.px(PAD), ink.px(0.5)
    slots = [ink.text_width(widest) for widest in SPEED_TEMPLATE]  # fixed, or the card would resize with its digits
    between = ink.px(0.9)
    wide = sum(slots) + between + 2 * pad
    baseline = ink.center_line(box.y, box.h)
    right = box.x + box.w
    ink.card(Box(right - wide, box.y, wide, box.h))
    x = right - pad
    if paused:
        word = ink.text("paused", x, baseline, width=wide - 2 * pad, weight=BOLD, align="right")
        for i in (1, 2):
            bar, top = x - word - ink.px(0.15 + 0.4 * i), box.y + (box.h - ink.px(0.8)) // 2
            ink.image[top : top + ink.px(0.8), bar : bar + ink.px(0.22)] = TEXT
    else:
        speeds = (_latency(result.latency_ms), f"{result.fps:.{0 if result.fps >= 999.95 else 1}f} fps")
        for slot, speed in zip(reversed(slots), reversed(speeds), strict=True):
            ink.text(speed, x, baseline, width=slot, align="right")
            x -= slot + between
    room = box.w - wide - gap
    if result.frame.corruption or corrupting:
        name, severity = result.frame.corruption or ("clean", 0)
        name = name.replace("_", " ")
        pips = ink.px(5 * 0.8 + 0.4) if severity else 0
        card = min(ink.text_width(name) + pips + 2 * pad, room * 5 // 9)
    else:
        name, severity, pips, card = "", 0, 0, 0
    taken = _draw_method(ink, Box(box.x, box.y, room - card - (gap if card else 0), box.h), result, adapting)
    if card:
        x = box.x + taken + gap
        ink.card(Box(x, box.y, card, box.h))
        ink.text(name, x + pad, baseline, width=card - pips - 2 * pad)
        for i in range(5 if severity else 0):
            center = x + card - pad - ink.px(0.8 * (4 - i)) - ink.px(0.25)
            ink.dot(center, box.y + box.h // 2, ink.px(0.25), TEXT if i < severity else TRACK)


def _latency(ms: float) -> str:
    """Format a latency in at most five characters plus its unit."""
    if ms >= 9999.5:
        return f"{ms / 1000:.1f} s"
    return f"{ms:.{0 if ms >= 999.95 else 1}f} ms"


def _draw_method(ink: Ink, box: Box, result: FrameResult, adapting: bool) -> int:
    """Draw the method's card at the left of the box and return its width in pixels."""
    pad, dot = ink.px(PAD), ink.px(1.1)
    count = f"{result.updates:,} update{'' if result.updates == 1 else 's'}"
    why = why_not_adapting(result)
    learns = adapting and result.method != NO_METHOD and not why
    full = count if result.effective_size is None else f"{count}, ~{result.effective_size:.0f} distinct frames each"
    if learns and 2 * pad + dot + ink.text_width(f"{result.method}{full}", weight=BOLD) <= box.w:
        count = full
    said = (f"{why}, {count}" if why else count) if adapting else f"adaptation off, {count}"
    name = ink.text_width(result.method, weight=BOLD)
    wide = min(2 * pad + dot + name + ink.px(0.6) + ink.text_width(said), box.w)
    ink.card(Box(box.x, box.y, wide, box.h))
    x, end = box.x + pad, box.x + wide - pad
    ink.dot(x + ink.px(0.35), box.y + box.h // 2, ink.px(0.35), ADAPTED if learns else QUIET, filled=learns)
    x += dot
    baseline = ink.center_line(box.y, box.h)
    x += ink.text(result.method, x, baseline, width=end - x, weight=BOLD) + ink.px(0.6)
    ink.text(said, x, baseline, width=end - x, color=QUIET if adapting else TEXT)
    return wide


def draw_help(ink: Ink, box: Box, keys: Sequence[tuple[str, str]]) -> None:
    """Draw a centered card that lists keys and what they do, in as many columns as needed."""
    ink.dim()
    pad, row = ink.px(1.2), ink.px(1.6)
    key = max(ink.text_width(k, weight=BOLD) for k, _ in keys) + ink.px(0.9)
    meaning = max(ink.text_width(m) for _, m in keys)
    column, between = key + meaning, ink.px(1.6)
    lines = max(1, (box.h - 2 * pad) // row)
    columns = max(1, min(-(-len(keys) // lines), (box.w - 2 * pad + between) // (column + between)))
    lines = min(lines, -(-len(keys) // columns))
    wide = min(box.w, columns * (column + between) - between + 2 * pad)
    high = lines * row + 2 * pad
    left, top = box.x + (box.w - wide) // 2, box.y + (box.h - high) // 2
    ink.card(Box(left, top, wide, high))
    for i, (k, m) in enumerate(keys[: lines * columns]):
        x, y = left + pad + (i // lines) * (column + between), top + pad + (i % lines) * row
        baseline = ink.center_line(y, row)
        ink.text(k, x, baseline, width=key, color=ADAPTED, weight=BOLD)
        ink.text(m, x + key, baseline, width=left + wide - pad - x - key)
