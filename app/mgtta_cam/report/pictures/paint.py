"""What all pictures share: colors, fonts, bands of corruptions, and conversion to SVG and PNG.

In the page a picture is SVG that follows the reader's color scheme; as a file it is a PNG on white.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO, StringIO
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np

mpl.use("agg")
from matplotlib import pyplot as plt
from matplotlib.patches import Patch

from mgtta_cam.report.columns import Floats
from mgtta_cam.report.series import Stretch
from mgtta_cam.report.words import plain

WIDTH = 9.6  # inches, of 72 page pixels each
INK, QUIET, LINE, PAPER = "#1d2430", "#5d6675", "#d5d9e0", "#ffffff"  # replaced by the page's own colors of these names
FROZEN, ADAPTED, TRUTH, RIGHT, WRONG = "#3a83c4", "#d27a05", "#8a8f98", "#1d9a6c", "#d4472a"  # for light and dark paper
SERIES = (ADAPTED, FROZEN, "#8c6bc8", RIGHT, "#c2578b", "#7f8a3c", "#2b9aa8", TRUTH)
WEATHER = ("#3a83c4", "#c2578b", "#7f8a3c", "#8c6bc8", "#2b9aa8", "#d4472a", "#b58a2a", "#5c7f6b")
MAX_NAME = 28  # letters of a name
MAX_BANDS = 400  # more would only be stripes
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a $ in a name is literal
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "legend.fontsize": 9.0,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": QUIET,
    "axes.titlecolor": INK,
    "axes.edgecolor": LINE,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": QUIET,
    "ytick.labelcolor": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.6,
}
THEMED = {INK: "var(--ink)", QUIET: "var(--quiet)", LINE: "var(--line)", PAPER: "var(--paper)"}


class Picture(NamedTuple):
    """A picture for the page and for a file."""

    name: str  # file name without .png
    title: str
    about: str  # how to read it
    alt: str  # what it shows, for screen readers
    svg: str
    png: bytes


class Band(NamedTuple):
    """A corruption over an interval of the horizontal axis."""

    left: float
    right: float
    name: str
    color: str | None  # one color per corruption in all pictures; None for clean


@contextmanager
def style() -> Iterator[None]:
    """Apply the style of all pictures, without warnings about glyphs that the font lacks."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def panels(*heights: float, titles: Sequence[str] = ()) -> tuple[Any, list[Any]]:
    """A figure of stacked panels that share the horizontal axis; heights in inches."""
    figure, grid = plt.subplots(
        len(heights),
        1,
        figsize=(WIDTH, sum(heights) + 0.35 * len(heights) + 0.3),
        height_ratios=heights,
        sharex=True,
        layout="constrained",
        squeeze=False,
    )
    for axes, title in zip(grid[:, 0], titles, strict=False):
        axes.set_title(title)
    return figure, list(grid[:, 0])


def finished(figure: Any, name: str, title: str, about: str, alt: str) -> Picture:
    """Convert a figure to a picture, and close it."""
    try:
        text, data = StringIO(), BytesIO()
        with mpl.rc_context({"svg.hashsalt": name}):
            figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        figure.savefig(data, format="png", dpi=130, facecolor=PAPER, metadata={"Software": None})
    finally:
        plt.close(figure)
    return Picture(name, title, about, alt, _inline(text.getvalue()), data.getvalue())


def _inline(svg: str) -> str:
    """Adapt SVG for HTML: no URLs, no global styles, no duplicate ids, and the page's colors."""
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"| version="[^"]*"', "", svg, count=3)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    for color, name in THEMED.items():
        svg = svg.replace(color, name)
    return re.sub(r"\n\s*", "\n", svg)


def bands(stretches: Sequence[Stretch], names: Sequence[str], edges: Floats) -> list[Band]:
    """Corruptions as bands; `edges` are the positions where items begin, and where the last one ends."""
    if len(stretches) > MAX_BANDS or not any(kind for _, _, kind in stretches):
        return []
    colors = (None, *(WEATHER[i % len(WEATHER)] for i in range(len(names))))
    return [Band(float(edges[a]), float(edges[b]), names[kind], colors[kind]) for a, b, kind in stretches]


def shaded(grid: Sequence[Any], over: Sequence[Band], alpha: float = 0.13) -> None:
    """Draw bands behind all panels, named above the first panel if names fit, else in a legend below."""
    if not over:
        return
    letters = WIDTH * 11 / (over[-1].right - over[0].left)  # letters per unit of the axis
    fits = {band: len(band.name) <= (band.right - band.left) * letters for band in over}
    named = all(fits[band] for band in over if band.color is not None)
    for band in over:
        for axes in grid if band.color is not None else ():
            axes.axvspan(band.left, band.right, color=band.color, alpha=alpha, linewidth=0)
        if named and fits[band]:
            middle = (band.left + band.right) / 2
            place = {"xycoords": ("data", "axes fraction"), "ha": "center", "va": "bottom"}
            grid[0].annotate(band.name, (middle, 1.0), xytext=(0, 2), textcoords="offset points", color=QUIET, **place)
    if not named:
        colors = {plain(band.name, MAX_NAME): band.color for band in over if band.color is not None}
        keys = [Patch(color=color, alpha=max(alpha, 0.4), label=name) for name, color in colors.items()]
        grid[0].get_figure().legend(handles=keys, loc="outside lower center", ncols=min(4, len(keys)))
    elif grid[0].get_title("left"):
        grid[0].set_title(grid[0].get_title("left"), pad=18)
        legend(grid[0], raised=True)


def strip(axes: Any, over: Sequence[Band]) -> None:
    """Draw corruptions in full color on a thin panel of their own."""
    axes.set_yticks([])
    axes.tick_params(axis="x", bottom=False)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_facecolor(LINE)
    shaded([axes], over, alpha=1.0)


def clock(axes: Any, seconds: float) -> float:
    """Label the horizontal axis; returns the divisor for seconds."""
    unit, divisor = ("hours", 3600) if seconds > 2 * 3600 else ("minutes", 60) if seconds > 300 else ("seconds", 1)
    axes.set_xlabel(f"{unit} since the start of the run")
    axes.set_xlim(0, max(seconds, 1e-3) / divisor)
    return divisor


def legend(axes: Any, *, raised: bool = False) -> None:
    """Draw a legend at the top right above the panel; `raised` leaves room for names of corruptions."""
    if axes.get_legend_handles_labels()[0]:
        above = 1.4 if raised else 0.1  # in letter heights
        place = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": above}
        axes.legend(**place, handlelength=1.4, columnspacing=1.2, ncols=5)


def edges_of(t: Floats, end: float) -> Floats:
    """The beginnings of items, and the end of the last one."""
    return np.append(t, max(end, t[-1] if len(t) else 0.0))
