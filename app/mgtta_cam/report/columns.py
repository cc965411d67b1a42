"""Tables that grow row by row at eight bytes per number."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NOWHERE = math.nan
LARGEST = 1e15  # larger values are not measurements
MAX_COLUMNS = 256


def number(value: object) -> float:
    """A measurement as a float; NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
        return NOWHERE
    return float(value)


class Columns:
    """Numbers by name, row by row; NaN where a row lacks a name."""

    def __init__(self) -> None:
        self._columns: dict[str, array[float]] = {}
        self._rows = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Append a row."""
        for name, value in row.items():
            if name not in self._columns and len(self._columns) < MAX_COLUMNS:
                self._columns[name] = array("d", [NOWHERE]) * self._rows
            if name in self._columns:
                self._columns[name].append(number(value))
        self._rows += 1
        for column in self._columns.values():
            if len(column) < self._rows:
                column.append(NOWHERE)

    def arrays(self) -> dict[str, Floats]:
        """Name -> [rows], in order of first appearance."""
        return {name: np.array(column) for name, column in self._columns.items()}


class Names:
    """Numbers names in order of first appearance."""

    def __init__(self, *names: str) -> None:
        self._numbers = {name: i for i, name in enumerate(names)}

    def __getitem__(self, name: str) -> int:
        return self._numbers.setdefault(name, len(self._numbers))

    def all(self) -> tuple[str, ...]:
        """All names, by number."""
        return tuple(self._numbers)
