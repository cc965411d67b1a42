"""Finished cells, kept in a file: an interrupted bench goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.bench.cells import Cell, Row
from app.bench.measure import Measured
from app.errors import OutputError

FILE = "cells.jsonl"


class Ledger:
    """A folder with one line a finished cell, under a key made of all that its numbers depend on.

    Args:
        folder: made if it is not there.
        context: what all cells of this bench have in common: model, pictures, seed, versions.
        fresh: forget what was kept.

    Raises:
        OutputError: if the folder or its file cannot be written or read.
    """

    def __init__(self, folder: Path, context: Mapping[str, Any], fresh: bool = False) -> None:
        self.path, self.context = folder / FILE, dict(context)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._done = {} if fresh else self._read()
            with self.path.open("w" if fresh else "a", encoding="utf-8"):
                pass
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}") from None

    def get(self, cell: Cell) -> Measured | None:
        """What was measured before, if it was."""
        return self._done.get(self._key(cell))

    def put(self, cell: Cell, measured: Measured) -> None:
        """Keeps a finished cell; it is on the disk when this returns.

        Raises:
            OutputError: if it cannot be written; what was kept before stays.
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
        facts = {**self.context, **cell.facts(), "files": self.context.get("files", {}).get(str(cell.method), {})}
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()

    def _read(self) -> dict[str, Measured]:
        done = {}
        for line in self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else ():
            try:
                kept = json.loads(line)
                rows = tuple(Row(**row) for row in kept["rows"])
                done[kept["key"]] = Measured(rows, tuple(kept["skipped"]))
            except (ValueError, TypeError, KeyError):
                continue  # a torn line, or of another version: measured again
        return done
