"""Writes the adaptation log line by line, and syncs it to disk each second and at the end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mgtta_cam.digests import chained
from mgtta_cam.errors import OutputError
from mgtta_cam.log.format import VERSION, dumped, opened, written
from mgtta_cam.log.records import frame_record, update_record
from mgtta_cam.metrics.stream_stats import Stats
from mgtta_cam.types import FrameResult

SECONDS_BETWEEN_SYNCS = 1.0


class LogSink:
    """Writes the log of one run.

    Args:
        path: file to create or replace.
        header: facts of the run (`mgtta_cam.log.provenance.header`).
        classes: names by class index.
        topk: number of classes logged for each frame.
        clock: monotonic seconds.

    Raises:
        OutputError: if the file cannot be written, now or later.
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
        """Writes the `frame` record, the `update` that the frame completed, and `stats` each second."""
        age = self._clock() - result.frame.grabbed if result.frame.grabbed is not None else None
        record = frame_record(result, self._classes, self._topk, age)
        self._chain = chained(self._chain, record["in"], record["out"])
        self._put("frame", record)
        if result.update is not None:
            self._chain = chained(self._chain, result.update.digest)
            self._put("update", {**update_record(result.update), "chain": self._chain})
        self._stats.update(result, self._clock(), age)
        if self._clock() - self._synced >= SECONDS_BETWEEN_SYNCS:
            self._put_stats()
            self._sync()

    def event(self, kind: str, **facts: Any) -> None:
        """Writes an `event` record, such as a key, a change of corruption, or an opened source."""
        self._put("event", {"kind": kind, **facts})

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Writes the last `stats` and the `summary`."""
        self._put_stats()
        self._put("summary", {**summary, "chain": self._chain, "written": self._written.hexdigest()})

    def close(self) -> None:
        """Flushes all lines to disk and closes the file."""
        if not self._file.closed:
            self._sync()
            try:
                self._file.close()
            except OSError as error:  # a full disk fails only when buffered data are flushed
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
        except OSError:  # pipes and terminals cannot be synced
            return
