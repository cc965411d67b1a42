"""The adaptation log, JSON lines: written and read here, side by side.

Each line is one object with `v` (schema version), `t` (seconds since the log began, monotonic) and `type`: header,
frame, update, event, stats or summary. Lines are flushed one by one and synced to the disk each second and at the end;
NaN and Infinity become null, and `nonfinite` names them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TextIO, cast

from app.answers import entropy, top
from app.digests import chained, digest
from app.errors import OutputError
from app.pulse import Stats
from app.types import FrameResult, Lesson
from mgtta.types import SKIPPED, skipped

VERSION = 1
SECONDS_BETWEEN_SYNCS = 1.0
ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
LEAST_MS = 0.5  # of times that are worth their bytes; `stats` tells of all
Record = dict[str, Any]


class LogSink:
    """Writes the log of one run.

    Args:
        path: a file that may be created or replaced.
        header: facts of the run (`app.provenance.header`).
        classes: names by class index.
        topk: answers a frame.
        clock: monotonic seconds.

    Raises:
        OutputError: if it cannot be written, now or later.
    """

    def __init__(
        self,
        path: Path,
        header: Mapping[str, Any],
        classes: Sequence[str],
        topk: int = 5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._classes, self._topk, self._clock = path, classes, topk, clock
        try:
            self._file = opened(path, "wt")
        except OSError as error:
            raise self._unwritable(error) from None
        self._began = self._synced = clock()
        self._chain, self._written = "", written()
        self._stats = Stats()
        wall = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._put("header", {"schema": "mgtta-cam log", "time": wall, **header})

    def write(self, result: FrameResult) -> None:
        """A `frame`, the `update` that it completed, and each second `stats`."""
        age = self._clock() - result.frame.grabbed if result.frame.grabbed is not None else None
        record = frame_record(result, self._classes, self._topk, age)
        self._chain = chained(self._chain, record["in"], record["out"])
        self._put("frame", record)
        if result.lesson is not None:
            self._chain = chained(self._chain, result.lesson.digest)
            self._put("update", {**update_record(result.lesson), "chain": self._chain})
        self._stats.update(result, self._clock(), age)
        if self._clock() - self._synced >= SECONDS_BETWEEN_SYNCS:
            self._put_stats()
            self._sync()

    def event(self, kind: str, **facts: Any) -> None:
        """Something that happened beside the frames: a key, a change of corruption, an opened source."""
        self._put("event", {"kind": kind, **facts})

    def finish(self, summary: Mapping[str, Any]) -> None:
        """The last line."""
        self._put_stats()
        self._put("summary", {**summary, "chain": self._chain, "written": self._written.hexdigest()})

    def close(self) -> None:
        """Brings all lines to the disk."""
        if not self._file.closed:
            self._sync()
            try:
                self._file.close()
            except OSError as error:  # what a full disk did not take is still on its way
                raise self._unwritable(error) from None

    def _put_stats(self) -> None:
        self._put("stats", {**self._stats.record(), "written": self._written.hexdigest()})

    def _put(self, kind: str, facts: Mapping[str, Any]) -> None:
        line = dumped({"v": VERSION, "t": round(self._clock() - self._began, 4), "type": kind, **facts}) + "\n"
        self._written.update(line.encode(errors="replace"))
        try:
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(f"--log {self._path} cannot be written: {error.strerror}")

    def _sync(self) -> None:
        self._synced = self._clock()
        try:
            os.fsync(self._file.fileno())
        except OSError:  # a pipe or a terminal has no disk to be synced with
            return


def opened(path: Path, mode: Literal["wt", "rt"]) -> TextIO:
    """A log as text; packed if its name ends in .gz."""
    if path.suffix == ".gz":
        return cast("TextIO", gzip.open(path, mode, encoding="utf-8", errors="replace"))
    return cast("TextIO", path.open(mode, encoding="utf-8", errors="replace"))


def _whole(file: TextIO) -> Iterator[str]:
    """Lines up to where a packed file is torn."""
    with suppress(EOFError):
        yield from file


def read(path: Path) -> Iterator[Record]:
    """The records of a log, in order. A torn last line, as a kill leaves it, is left out.

    Raises:
        ValueError: if another line is damaged, or the schema is of another version.
    """
    return (record for _, record in lines(path))


def lines(path: Path) -> Iterator[tuple[str, Record]]:
    """The same, each with its line."""
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
    """Holds the lines of a log, as they come, against the digests that they carry.

    Args:
        name: of the log, for people.
    """

    def __init__(self, name: str) -> None:
        self.damage: str | None = None  # where lines are not as they were written, if there are such
        self._name, self._digest, self._line, self._sure = name, written(), 0, 1

    def take(self, line: str, record: Record) -> None:
        """Takes the next line."""
        self._line += 1
        if "written" in record:
            if self.damage is None and record["written"] != self._digest.hexdigest():
                self.damage = f"lines {self._sure} to {self._line} of {self._name} are not as they were written"
            self._sure = self._line
        self._digest.update(line.encode(errors="replace"))


def frame_record(result: FrameResult, classes: Sequence[str], topk: int, age_s: float | None) -> Record:
    """One answered frame."""
    frame, frozen = result.frame, result.frozen_logits
    record: Record = {
        "i": frame.index,
        "pts_ms": round(frame.seconds * 1000, 1),
        "age_ms": None if age_s is None else round(age_s * 1000, 1),
        "dropped_before": dict(frame.dropped),
        "in": result.digest,
        "corr": None if frame.corruption is None else dict(zip(("name", "severity"), frame.corruption, strict=True)),
        "updates": result.updates,
        "top": top(result.logits, classes, topk),
        "H": round(entropy(result.logits), 3),
        "out": digest(result.logits),
        "ms": {name: round(value, 1) for name, value in result.ms.items() if value >= LEAST_MS},
    }
    if frame.refused:
        record["refused"] = frame.refused
    if frame.cut:
        record["cut"] = True
    if frame.connection:
        record["connection"] = frame.connection
    if frozen is not None:
        record["frozen_top"] = top(frozen, classes, 1)
    if frame.label is not None:
        record["truth"] = classes[frame.label]
        record["ok"] = int(result.logits.argmax()) == frame.label
    if result.teacher is not None:
        record["teacher_agree"] = int(result.logits.argmax()) == result.teacher
        if frozen is not None:
            record["frozen_agree"] = int(frozen.argmax()) == result.teacher
    return record


def update_record(lesson: Lesson) -> Record:
    """What one window taught."""
    stats = dict(lesson.stats)
    known = {"gnorm": "gradient_norm", "unorm": "update_norm", "dnorm": "distance", "lr": "lr", "ess": "effective_size"}
    losses = {n: v for n, v in stats.items() if n not in known.values() and not n.startswith(SKIPPED)}
    why = skipped(stats)
    record: Record = {
        "n": lesson.number,
        "frames": list(lesson.frames),
        "loss": {name: significant(value) for name, value in losses.items()},
        **{short: significant(stats.get(name)) for short, name in known.items()},
        "params": lesson.digest,
        "ms": round(lesson.ms, 1),
        "skipped": why,
    }
    if why is None and lesson.traces is not None:
        record["tensors"] = lesson.traces._asdict()
    return record


def significant(value: float | None) -> float | None:
    """To six significant digits."""
    return None if value is None else float(f"{value:.6g}")


def written() -> Any:
    """A digest of all lines so far, as bytes: `stats` and `summary` carry that of the lines before them."""
    return hashlib.blake2b(digest_size=8)


def dumped(record: Record) -> str:
    """As JSON, with null in the place of NaN and Infinity and `nonfinite` where they stood."""
    try:
        return ENCODER.encode(record)
    except ValueError:
        record, places = finite(record)
        return ENCODER.encode({**record, "nonfinite": places})


def finite(value: Any, path: str = "") -> tuple[Any, list[str]]:
    """A copy with null in the place of NaN and Infinity, and the paths where they stood."""
    if isinstance(value, float) and not math.isfinite(value):
        return None, [path]
    if not isinstance(value, Mapping | list | tuple):
        return value, []
    items = value.items() if isinstance(value, Mapping) else enumerate(value)
    cleaned = [(key, finite(item, f"{path}.{key}" if path else str(key))) for key, item in items]
    bad = [place for _, (_, places) in cleaned for place in places]
    return ({k: v for k, (v, _) in cleaned} if isinstance(value, Mapping) else [v for _, (v, _) in cleaned]), bad
