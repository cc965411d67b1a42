"""Drawing primitives: text, cards, bars and marks, measured in ems so that one layout serves every size.

The font is OpenCV's built-in one (Rubik, with WenQuanYi for other scripts). It needs no installation, gives the same
pixels everywhere, and has digits of equal width, so columns of changing numbers do not jump. It writes left to right
and joins no letters: Latin, Greek, Cyrillic, Chinese, Japanese and Korean names are correct; Arabic and Hebrew come
out in the wrong order, and Indic scripts as question marks.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mgtta_cam.types import Image

Color = tuple[int, int, int]  # RGB
Align = Literal["left", "right", "center"]

PAPER: Color = (14, 16, 20)  # behind everything
TEXT: Color = (244, 246, 248)
QUIET: Color = (184, 190, 198)  # secondary text; its contrast on a card over white is 4.5:1, the readable minimum
TRACK: Color = (78, 83, 92)  # the empty part of a bar, grid lines
# Okabe and Ito's colorblind-safe palette: one accent per model, and marks that differ in lightness too.
ADAPTED: Color = (240, 165, 20)
FROZEN: Color = (96, 186, 238)
RIGHT: Color = (40, 190, 140)
WRONG: Color = (240, 96, 56)

REGULAR, BOLD = 400, 600
CARD_SHARE = 0.18  # opacity of the picture behind a card
CARD_TINT = 22.0  # gray level added to it: white becomes 68, black 22
CAP_HEIGHT = 0.7  # height of capitals as a share of the font size
SMALLEST_PX = 10  # this font is unreadable below this size

_local = threading.local()  # a FontFace remembers its last weight, so each thread needs its own


class Box(NamedTuple):
    """A rectangle in pixels."""

    x: int
    y: int
    w: int
    h: int


def _font() -> cv2.FontFace:
    if not hasattr(_local, "font"):
        _local.font = cv2.FontFace("sans")
    return _local.font


@lru_cache(maxsize=4096)
def text_width(text: str, px: int, weight: int = REGULAR) -> int:
    """Width in pixels of a line of text."""
    return cv2.getTextSize((0, 0), text, (0, 0), _font(), px, weight)[2] if text else 0


@lru_cache(maxsize=4096)
def fit(text: str, width: int, px: int, weight: int = REGULAR) -> str:
    """The text on one line, shortened with an ellipsis to at most `width` pixels."""
    text = " ".join(text.split())
    if text_width(text, px, weight) <= width:
        return text
    low, high = 0, len(text)
    while low < high:  # binary search for the longest prefix that fits
        middle = (low + high + 1) // 2
        if text_width(text[:middle].rstrip() + "…", px, weight) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…" if low else ""


@lru_cache(maxsize=16)
def _corner(radius: int) -> NDArray[np.float32]:
    """Coverage of each pixel by the top left corner of a rounded card: [radius, radius, 1], 0..1."""
    distance = np.hypot(*np.mgrid[radius - 0.5 : -0.5 : -1, radius - 0.5 : -0.5 : -1])
    return np.clip(radius + 0.5 - distance, 0, 1).astype(np.float32)[..., None]


class Ink:
    """Draws on one picture, in place.

    Args:
        image: uint8 [h, w, 3] RGB, contiguous.
        em: size of body text in pixels; all sizes given to the methods are multiples of it.
    """

    def __init__(self, image: Image, em: int) -> None:
        self.image = image
        self.em = em

    def px(self, ems: float) -> int:
        """Convert ems to whole pixels."""
        return round(ems * self.em)

    def font_px(self, size: float) -> int:
        """Font size in pixels for a size in ems; never too small to read."""
        return max(SMALLEST_PX, self.px(size))

    def text_width(self, text: str, size: float = 1.0, weight: int = REGULAR) -> int:
        """Width in pixels of one line."""
        return text_width(text, self.font_px(size), weight)

    def text(
        self,
        text: str,
        x: int,
        baseline: int,
        *,
        width: int,
        size: float = 1.0,
        color: Color = TEXT,
        weight: int = REGULAR,
        align: Align = "left",
    ) -> int:
        """Write one line, shortened to `width` pixels; `x` is its left end, right end or center, as `align` says.

        Returns:
            The width of what was written, in pixels.
        """
        px = self.font_px(size)
        line = fit(text, width, px, weight)
        wide = text_width(line, px, weight)
        if line:
            left = x - {"left": 0, "right": wide, "center": wide // 2}[align]
            cv2.putText(self.image, line, (left, baseline), color, _font(), px, weight)
        return wide

    def center_line(self, y: int, height: int, size: float = 1.0) -> int:
        """Baseline at which capitals are vertically centered in a row."""
        return y + round((height + CAP_HEIGHT * self.font_px(size)) / 2)

    def card(self, box: Box) -> None:
        """Draw a dark, rounded pane of frosted glass: text on it is readable whatever is behind."""
        x, y, w, h = box
        behind = self.image[y : y + h, x : x + w]
        grain = max(4, self.em // 2)
        columns, rows = max(1, w // grain), max(1, h // grain)
        even = behind[: rows * grain, : columns * grain]  # whole grains: OpenCV has a fast path for them
        coarse = cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA)
        coarse = cv2.convertScaleAbs(coarse, alpha=CARD_SHARE, beta=CARD_TINT)
        pane = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_LINEAR)
        radius = min(self.px(0.5), w // 2, h // 2)
        for rows, row_step in ((slice(0, radius), 1), (slice(h - radius, h), -1)):
            for columns, column_step in ((slice(0, radius), 1), (slice(w - radius, w), -1)):
                inside = _corner(radius)[::row_step, ::column_step]
                pane[rows, columns] = pane[rows, columns] * inside + behind[rows, columns] * (1 - inside)
        behind[:] = pane

    def dim(self) -> None:
        """Darken the whole picture so that a card on top stands out."""
        cv2.convertScaleAbs(self.image, self.image, alpha=0.35, beta=0)

    def bar(self, box: Box, share: float, color: Color) -> None:
        """Draw a round-ended bar, filled to `share` (0..1) of the box."""
        self._pill(box, TRACK)
        if share > 0:
            self._pill(box._replace(w=box.h + round(min(share, 1.0) * (box.w - box.h))), color)

    def _pill(self, box: Box, color: Color) -> None:
        x, y, w, h = box
        if h < 8:  # too small for a curve: dropping the four corner pixels looks round
            self.image[y + 1 : y + h - 1, x : x + w] = color
            self.image[y : y + h, x + 1 : x + w - 1] = color
            return
        for center in (x + h / 2, x + w - h / 2):  # in sixteenths of a pixel; OpenCV antialiases outside the edge
            fixed = round(16 * center - 8), round(16 * (y + h / 2) - 8)
            cv2.circle(self.image, fixed, 8 * h - 6, color, cv2.FILLED, cv2.LINE_AA, shift=4)
        self.image[y : y + h, x + h // 2 : x + w - h // 2] = color

    def dot(self, x: int, y: int, radius: int, color: Color, *, filled: bool = True) -> None:
        """Draw a disc, or a ring if not `filled`."""
        thickness = cv2.FILLED if filled else max(1, radius // 3)
        cv2.circle(self.image, (x, y), radius, color, thickness, cv2.LINE_AA)

    def verdict(self, x: int, y: int, radius: int, *, right: bool) -> None:
        """Draw a mark centered at (x, y): a check on a disc or a cross on a square, distinct without color."""
        if right:
            self.dot(x, y, radius, RIGHT)
            strokes = [[(-0.5, 0.05), (-0.13, 0.42), (0.5, -0.36)]]
        else:
            corner = round(0.9 * radius)
            cv2.rectangle(
                self.image, (x - corner, y - corner), (x + corner, y + corner), WRONG, cv2.FILLED, cv2.LINE_AA
            )
            strokes = [[(-0.46, -0.46), (0.46, 0.46)], [(-0.46, 0.46), (0.46, -0.46)]]
        for stroke in strokes:
            self.curve([(x + radius * u, y + radius * v) for u, v in stroke], PAPER, radius / 4.7)

    def curve(self, points: Sequence[tuple[float, float]], color: Color, thickness: float) -> None:
        """Draw an antialiased line through points in pixels, precise to 1/16 pixel."""
        fixed = np.rint(np.asarray(points) * 16).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(self.image, [fixed], False, color, max(1, round(thickness)), cv2.LINE_AA, shift=4)
