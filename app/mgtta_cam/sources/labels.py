"""Ground truth of a clip: the true class of each frame."""

from __future__ import annotations

import bisect
import csv
import os
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from mgtta_cam.errors import UsageError
from mgtta_cam.sources.address import Address

LabelOf = Callable[[int], int | None]  # frame index -> class, None if unknown
ClassIndex = Callable[[str], int]  # class name or number -> class; ValueError with the closest names
_FRAMES = re.compile(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?")


def choose(address: Address, label: str | None, truth: Path | None, index: ClassIndex) -> LabelOf | None:
    """Finds the labels of a source: given (`--label`, `--truth`), in a sidecar, or by folder; None if there are none.

    Raises:
        UsageError: as the functions below.
    """
    if label is not None:
        return constant(label, index)
    if truth is not None:
        return from_csv(truth, index)
    if address.kind == "video" and (found := sidecar(address.paths[0])):
        return from_csv(found, index)
    if address.kind == "pictures":
        return from_folders([path.parent.name for path in address.paths], index)
    return None


def sidecar(clip: Path) -> Path | None:
    """Returns `clip.labels.csv` next to `clip.mp4`, if it exists."""
    path = clip.with_name(clip.stem + ".labels.csv")
    return path if os.path.isfile(path) else None


def constant(name: str, index: ClassIndex) -> LabelOf:
    """Labels the whole clip with one class.

    Raises:
        UsageError: if the model has no such class.
    """
    label = _class(name, index, "--label")
    return lambda _: label


def from_csv(path: Path, index: ClassIndex) -> LabelOf:
    """Reads `frame,label` lines, where a frame is a number or an inclusive range `first-last`; a header is optional.

    An empty label means that the frame shows no known class.

    Raises:
        UsageError: if the file cannot be read, a line is malformed, ranges overlap, or a class is unknown.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(reader.line_num, row) for reader in [csv.reader(file)] for row in reader if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"--truth {path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if rows and rows[0][1][0].strip().lower() == "frame":
        rows = rows[1:]
    spans = sorted(_span(path, line, row, index) for line, row in rows)
    for before, after in pairwise(spans):
        if after[0] <= before[1]:
            raise UsageError(f"--truth {path}: frame {after[0]} has more than one label")
    firsts = [first for first, _, _ in spans]

    def label_of(frame: int) -> int | None:
        at = bisect.bisect_right(firsts, frame) - 1
        return spans[at][2] if at >= 0 and frame <= spans[at][1] and spans[at][2] >= 0 else None

    return label_of


def from_folders(names: Sequence[str], index: ClassIndex) -> LabelOf | None:
    """Labels pictures by their folders' names; None if no folder is named after a class."""
    known: dict[str, int | None] = {}
    for name in set(names):
        try:
            known[name] = None if name.isdigit() else index(name)
        except ValueError:
            known[name] = None
    if not any(label is not None for label in known.values()):
        return None
    return lambda frame: known[names[frame]]


def _span(path: Path, line: int, row: Sequence[str], index: ClassIndex) -> tuple[int, int, int]:
    match = _FRAMES.fullmatch(row[0]) if len(row) == 2 else None
    if match is None:
        text = ",".join(row)
        raise UsageError(f"--truth {path}, line {line}: expected `frame,label` or `first-last,label`; got {text!r}")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise UsageError(f"--truth {path}, line {line}: the range {row[0].strip()} ends before it begins")
    return first, last, _class(row[1], index, f"--truth {path}, line {line}") if row[1].strip() else -1


def _class(name: str, index: ClassIndex, where: str) -> int:
    try:
        return index(name)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None
