"""When a stream gets which corruption: `fog:4` on the command line, or a schedule such as `0:clean 300:fog:5`."""

from __future__ import annotations

import os
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mgtta_cam.corruptions.names import SEVERITIES, check_name, check_severity

CLEAN = "clean"
EXAMPLE = "0:clean 300:fog:5 600:gaussian_noise:4"


def parse_corruption(text: str) -> tuple[str, int]:
    """Parse `NAME` or `NAME:SEVERITY` to (name, severity 1..5); the severity defaults to 5.

    Raises:
        ValueError: for an unknown name or a severity out of range.
    """
    name, colon, severity = text.strip().partition(":")
    check_name(name)
    if not colon:
        return name, SEVERITIES[-1]
    if not severity.strip().isdecimal():
        raise ValueError(f"expected NAME:SEVERITY such as fog:4 with a severity from 1 to 5, got {text!r}")
    return name, check_severity(int(severity))


class Entry(NamedTuple):
    """The corruption and its severity from frame `start`; None for clean frames."""

    start: int
    corruption: tuple[str, int] | None

    def __str__(self) -> str:
        return ":".join(map(str, (self.start, *(self.corruption or (CLEAN,)))))


@dataclass(frozen=True, slots=True)
class Schedule:
    """Corruptions by frame index. Frames before the first entry are clean; `str` returns text that parses back."""

    entries: tuple[Entry, ...] = ()

    def __post_init__(self) -> None:
        """Check that the entries' first frames ascend from 0 or later (ValueError)."""
        last = -1
        for entry in self.entries:
            if entry.start <= last:
                raise ValueError(
                    f"the frames of a schedule must ascend, got {entry.start} after {last} in {str(self)!r}"
                    if last >= 0
                    else f"a schedule must start at frame 0 or later, got {entry.start}"
                )
            last = entry.start

    @classmethod
    def always(cls, name: str, severity: int) -> Schedule:
        """One corruption from the first frame to the last."""
        return cls((Entry(0, (check_name(name), check_severity(severity))),))

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Parse entries `FRAME:NAME[:SEVERITY]` or `FRAME:clean`, separated by spaces, commas or lines; `#` comments.

        Raises:
            ValueError: with the entry that is wrong.
        """
        lines = (line.partition("#")[0] for line in text.splitlines())
        words = " ".join(lines).replace(",", " ").split()
        if not words:
            raise ValueError(f"the schedule is empty; expected entries such as {EXAMPLE!r}")
        return cls(tuple(_parse_entry(word) for word in words))

    @classmethod
    def load(cls, text_or_file: str) -> Schedule:
        """Read a schedule from a file if one of that name exists, else from the text itself.

        Raises:
            ValueError: if it is neither, or has a wrong entry.
        """
        path = Path(text_or_file)
        if os.path.isfile(path):
            try:
                return cls.parse(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError) as error:
                raise ValueError(f"cannot read the schedule {path} as UTF-8 text: {error}") from error
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from error
        if ":" not in text_or_file and text_or_file.strip():
            raise ValueError(f"{text_or_file!r} is neither a file nor a schedule such as {EXAMPLE!r}")
        return cls.parse(text_or_file)

    def at(self, index: int) -> tuple[str, int] | None:
        """(name, severity) for frame `index`, or None for clean."""
        position = bisect_right(self.entries, index, key=lambda entry: entry.start)
        return self.entries[position - 1].corruption if position else None

    def __str__(self) -> str:
        return " ".join(map(str, self.entries))


def _parse_entry(word: str) -> Entry:
    start, colon, what = word.partition(":")
    if not (start.isdecimal() and colon and what):
        raise ValueError(f"expected FRAME:NAME:SEVERITY or FRAME:clean such as {EXAMPLE!r}, got {word!r}")
    if what == CLEAN:
        return Entry(int(start), None)
    try:
        return Entry(int(start), parse_corruption(what))
    except ValueError as error:
        raise ValueError(f"in {word!r}: {error}") from error
