"""Draw results as the keys currently ask for."""

from __future__ import annotations

from collections.abc import Callable

from mgtta_cam.overlay.draw import Style, draw
from mgtta_cam.stream.controls import KEYS, Controls
from mgtta_cam.types import FrameResult, Image

NAMES = {"\x1b": "Esc", " ": "Space"}
HELP = tuple(
    (", ".join(NAMES.get(key, key) for key, (_, other) in KEYS.items() if other == about), about)
    for about in dict.fromkeys(about for _, about in KEYS.values())
)  # keys with the same action share one line


def renderer(
    controls: Controls, classes: tuple[str, ...], topk: int, *, corrupting: bool
) -> Callable[[FrameResult], Image]:
    """Make a function from a result to its picture; sinks that ask for the same result share one picture.

    Args:
        controls: read on each call for level, split view, help and pause.
        classes: names by class index.
        topk: classes to list.
        corrupting: whether this run corrupts frames, so that clean ones are labeled too.
    """
    latest: list[tuple[FrameResult, Style, Image]] = []

    def render(result: FrameResult) -> Image:
        style = Style(
            classes=classes,
            level=controls.overlay,
            topk=topk,
            split=controls.compare,
            adapting=controls.adapting,
            paused=controls.paused,
            corrupting=corrupting or result.frame.corruption is not None,
            help=HELP if controls.help else (),
        )
        if not latest or latest[0][0] is not result or latest[0][1] != style:
            latest[:] = [(result, style, draw(result, style))]
        return latest[0][2]

    return render
