"""Read a log for replay: each frame, the events before it, and the update after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mgtta_cam.errors import ReplayError, UsageError
from mgtta_cam.log.format import Record, Seal, lines, read

STATE_CHANGES = ("reset", "undo", "method")  # events that change the model

WHOLE: dict[str, dict[str, Any]] = {
    "header": {"configuration": dict, "versions": dict, "source": dict, "model": dict, "learned_before": dict}
    | {"adapted": list, "threads": int, "device": str, "method": str, "spec": str},
    "frame": {"i": int, "pts_ms": (float, int), "in": str, "out": str, "top": list, "dropped_before": dict}
    | {"updates": int, "H": (float, int, type(None)), "corr": (dict, type(None))},
    "update": {"n": int, "frames": list, "params": str},
    "event": {"kind": str},
}  # fields that a replay needs in each line


class LoggedFrame(NamedTuple):
    """One frame of a log, with the events just before it and the update just after it."""

    before: tuple[Record, ...]  # events
    frame: Record
    update: Record | None  # the update that took effect after it


@dataclass(frozen=True, slots=True)
class Tape:
    """A log that was scanned once."""

    path: Path
    header: Record
    frames: int
    updates: int
    last_use: Mapping[int, int]  # index of a frame that an update used -> log position of its last use
    corruptions: tuple[tuple[str, int], ...]  # all corruptions of frames
    events: Mapping[str, int]  # number of events by kind
    summary: Record | None  # None: the run was killed
    damage: str | None  # where the log was changed after it was written

    def logged_frames(self) -> Iterator[LoggedFrame]:
        """All frames, in order."""
        return _logged_frames(read(self.path))

    def bands(self) -> list[tuple[int, int, str]]:
        """Stretches of one corruption: (first position, end position (exclusive), name)."""
        bands: list[tuple[int, int, str]] = []
        for position, logged in enumerate(self.logged_frames()):
            corruption = logged.frame["corr"]
            name = "clean" if corruption is None else f"{corruption['name']}:{corruption['severity']}"
            first = bands.pop()[0] if bands and bands[-1][2] == name else position
            bands.append((first, position + 1, name))
        return bands


def scan(path: Path) -> Tape:
    """Scan a log.

    Raises:
        UsageError: if the file is not a log.
        ReplayError: if one of its lines cannot be read.
    """
    try:
        found = lines(path)
        first, header = next(found, ("", {}))
        if header.get("type") != "header":
            raise UsageError(f"{path} does not begin with the header of a log: expected a file written by --log")
        if missing := lacking(header):
            raise UsageError(f"{path}: the header lacks a valid {missing}: expected a file written by --log")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(f"{error}: expected a file written by --log") from None
    try:
        return _scanned(path, first, header, found)
    except (ValueError, OSError) as error:
        raise ReplayError(f"{error}: a log that is damaged in the middle cannot be replayed") from None


def lacking(record: Record) -> str | None:
    """The name of the first field that a line lacks or that has the wrong type; None if all are valid."""
    parts = WHOLE.get(record["type"], {}).items()
    return next((f"{name!r}" for name, kind in parts if not isinstance(record.get(name, ...), kind)), None)


def _scanned(path: Path, first: str, header: Record, found: Iterator[tuple[str, Record]]) -> Tape:
    seal = Seal(path.name)
    seal.take(first, header)
    frames = updates = 0
    last_use: dict[int, int] = {}
    corruptions: dict[tuple[str, int], None] = {}
    events: Counter[str] = Counter()
    summary: Record | None = None
    for number, (line, record) in enumerate(found, start=2):
        seal.take(line, record)
        if missing := lacking(record):
            why = f" ({seal.damage})" if seal.damage else ""
            raise ReplayError(f"{path}, line {number}: the {record['type']} line lacks a valid {missing}{why}")
        match record["type"]:
            case "frame":
                frames += 1
                if record["corr"] is not None:
                    corruptions[record["corr"]["name"], record["corr"]["severity"]] = None
            case "update":
                updates += 1
                last_use |= dict.fromkeys(record["frames"], frames - 1)
            case "event":
                events[record["kind"]] += 1
                last_use |= dict.fromkeys(record.get("dropped", ()), frames)
            case "summary":
                summary = record
    if not frames:
        raise UsageError(f"{path} has no frame: there is nothing to replay")
    return Tape(path, header, frames, updates, last_use, tuple(corruptions), events, summary, seal.damage)


def _logged_frames(records: Iterator[Record]) -> Iterator[LoggedFrame]:
    before: list[Record] = []
    frame: Record | None = None
    for record in records:
        kind = record["type"]
        if frame is not None:
            yield LoggedFrame(tuple(before), frame, record if kind == "update" else None)
            before, frame = [], None
        if kind == "frame":
            frame = record
        elif kind == "event" and record["kind"] in STATE_CHANGES:
            before.append(record)
    if frame is not None:
        yield LoggedFrame(tuple(before), frame, None)
