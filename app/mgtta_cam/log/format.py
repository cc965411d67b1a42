"""The format of the adaptation log, JSON lines, and its reader.

Each line is one object with `v` (schema version), `t` (seconds since the log began, monotonic) and `type`: header,
frame, update, event, stats or summary. NaN and Infinity become null, and `nonfinite` names them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, TextIO, cast

VERSION = 1


ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


Record = dict[str, Any]


def opened(path: Path, mode: Literal["wt", "rt"]) -> TextIO:
    """Opens a log as text; a name that ends in .gz is compressed."""
    if path.suffix == ".gz":
        return cast("TextIO", gzip.open(path, mode, encoding="utf-8", errors="replace"))
    return cast("TextIO", path.open(mode, encoding="utf-8", errors="replace"))


def _whole(file: TextIO) -> Iterator[str]:
    """Yields lines up to where a compressed file breaks off."""
    with suppress(EOFError):
        yield from file


def read(path: Path) -> Iterator[Record]:
    """Yields the records of a log, in order. An incomplete last line, as a killed process leaves it, is skipped.

    Raises:
        ValueError: if another line is damaged, or the log has another version.
    """
    return (record for _, record in lines(path))


def lines(path: Path) -> Iterator[tuple[str, Record]]:
    """Yields each record of a log after its line, like `read`."""
    with opened(path, "rt") as file:
        damaged: int | None = None
        for number, line in enumerate(_whole(file), start=1):
            if damaged is not None:
                raise ValueError(f"{path}, line {damaged} is not a log record")
            try:
                record = json.loads(line)
            except ValueError:
                damaged = number
                continue
            if not isinstance(record, dict) or "type" not in record:
                raise ValueError(f"{path}, line {number} is not a log record")
            if record.get("v") != VERSION:
                raise ValueError(f"{path} is a log of version {record.get('v')}; this program reads {VERSION}")
            yield line, record


class Seal:
    """Checks the lines of a log, as they come, against the digests that they contain.

    Args:
        name: of the log, for messages.
    """

    def __init__(self, name: str) -> None:
        self.damage: str | None = None  # which lines were changed after they were written, if any
        self._name, self._digest, self._line, self._sure = name, written(), 0, 1

    def take(self, line: str, record: Record) -> None:
        """Takes the next line."""
        self._line += 1
        if "written" in record:
            if self.damage is None and record["written"] != self._digest.hexdigest():
                self.damage = f"lines {self._sure} to {self._line} of {self._name} do not match their digest"
            self._sure = self._line
        self._digest.update(line.encode(errors="replace"))


def significant(value: float | None) -> float | None:
    """Rounds to six significant digits."""
    return None if value is None else float(f"{value:.6g}")


def written() -> Any:
    """Starts the digest of all lines written so far; `stats` and `summary` contain that of the lines before them."""
    return hashlib.blake2b(digest_size=8)


def dumped(record: Record) -> str:
    """Encodes a record as JSON, with null for NaN and Infinity, whose places are listed in `nonfinite`."""
    try:
        return ENCODER.encode(record)
    except ValueError:
        record, places = finite(record)
        return ENCODER.encode({**record, "nonfinite": places})


def finite(value: Any, path: str = "") -> tuple[Any, list[str]]:
    """Returns a copy with None for NaN and Infinity, and the paths where they were."""
    if isinstance(value, float) and not math.isfinite(value):
        return None, [path]
    if not isinstance(value, Mapping | list | tuple):
        return value, []
    items = value.items() if isinstance(value, Mapping) else enumerate(value)
    cleaned = [(key, finite(item, f"{path}.{key}" if path else str(key))) for key, item in items]
    bad = [place for _, (_, places) in cleaned for place in places]
    return ({k: v for k, (v, _) in cleaned} if isinstance(value, Mapping) else [v for _, (v, _) in cleaned]), bad
