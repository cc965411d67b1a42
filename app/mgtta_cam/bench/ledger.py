"""Save finished cells in a file, so that an interrupted bench can resume."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from mgtta_cam.bench.cells import Cell, Row
from mgtta_cam.bench.measure import Measured
from mgtta_cam.errors import OutputError

FILE = "cells.jsonl"
FactsOf = Callable[[Cell], Mapping[str, Any]]
_ROWS = TypeAdapter(tuple[Row, ...])


class Ledger:
    """Stores one line per finished cell, under a key made of everything that its numbers depend on.

    Args:
        folder: created if it does not exist.
        context: what all cells of this bench share: model, seed, versions.
        facts_of: what else a cell's numbers depend on: its pictures, its method's files.
        fresh: measure everything again; if two lines share a key, the later one counts.

    Raises:
        OutputError: if the folder or its file cannot be written or read.
    """

    def __init__(self, folder: Path, context: Mapping[str, Any], facts_of: FactsOf, fresh: bool = False) -> None:
        self.path, self.context, self.facts_of = folder / FILE, dict(context), facts_of
        if os.path.exists(folder) and not os.path.isdir(folder):
            raise OutputError(f"--out expects a folder; {folder} is not one")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            before = self.path.read_text(encoding="utf-8", errors="replace") if os.path.exists(self.path) else ""
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n" if before and not before.endswith("\n") else "")  # closes a line torn by a kill
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}") from None
        self._done = {} if fresh else dict(filter(None, map(_kept, before.splitlines())))

    def get(self, cell: Cell) -> Measured | None:
        """The saved result of a cell; None if there is none."""
        return self._done.get(self._key(cell))

    def put(self, cell: Cell, measured: Measured) -> None:
        """Save a finished cell; it is on the disk when this returns.

        Raises:
            OutputError: if it cannot be written; earlier cells are kept.
        """
        key = self._key(cell)
        self._done[key] = measured
        line = json.dumps({"key": key, "cell": cell.facts(), **asdict(measured)}, allow_nan=False)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}; finished cells are kept") from None

    def _key(self, cell: Cell) -> str:
        facts = {**self.context, **cell.facts(), **self.facts_of(cell)}
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _kept(line: str) -> tuple[str, Measured] | None:
    """Key and result of a line; None if the line is torn or from another version, so that it is measured again."""
    try:
        kept = json.loads(line)
        rows = _ROWS.validate_python(kept["rows"])
        return (str(kept["key"]), Measured(rows, tuple(map(str, kept["skipped"])))) if rows else None
    except (ValueError, TypeError, KeyError):
        return None
