"""Magnification about the center on an align-corners grid, as `scipy.ndimage.zoom` samples it."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mgtta.compiled import compiled
from mgtta_cam.types import Image


class Samples(NamedTuple):
    """Linear interpolation along one axis: output i lies between `first[i]` and the next, at `weight[i]` of the way."""

    first: NDArray[np.uint32]
    weight: NDArray[np.float32]


def samples(side: int, factor: float) -> Samples:
    """How the middle 1 / factor of an axis of `side` pixels is stretched over the whole axis."""
    crop = math.ceil(side / factor)
    start = (side - crop) // 2
    trim = (round(crop * factor) - side) // 2
    position = (np.arange(side) + trim) * _step(side, factor)
    first = np.minimum(position.astype(np.int32), max(crop - 2, 0))
    return Samples((start + first).astype(np.uint32), (position - first).astype(np.float32))


def _step(side: int, factor: float) -> float:
    crop = math.ceil(side / factor)
    return (crop - 1) / (round(crop * factor) - 1)


@lru_cache(maxsize=16)
def _stacked(side: int, factors: tuple[float, ...]) -> Samples:
    each = [samples(side, factor) for factor in factors]
    return Samples(np.stack([s.first for s in each]), np.stack([s.weight for s in each]))


def magnify_mean(image: Image, factors: tuple[float, ...]) -> Image:
    """Mean of an image [h, w, 3] and of its magnifications, truncated to bytes."""
    rows, columns = _stacked(image.shape[0], factors), _stacked(image.shape[1], factors)
    out = np.empty_like(image)
    _magnify_mean(image.reshape(len(image), -1), *rows, columns.first * 3, columns.weight, out.reshape(len(out), -1))
    return out


@compiled
def _magnify_mean(
    image: Image,
    row: NDArray[np.uint32],
    row_weight: NDArray[np.float32],
    column: NDArray[np.uint32],
    column_weight: NDArray[np.float32],
    out: Image,
) -> None:
    """Rows [factors, h], columns [factors, w] times three, image [h, 3 w].

    Unsigned indices spare numba its test for negative ones, which would more than double the time.
    """
    factors, width = column.shape
    between = np.empty(3 * width, np.float32)
    total = np.empty(3 * width, np.float32)
    for y in range(row.shape[1]):
        for x in range(3 * width):
            total[x] = image[y, x]
        for z in range(factors):
            upper, lower = image[row[z, y]], image[row[z, y] + 1]
            weight = row_weight[z, y]
            for x in range(column[z, 0], column[z, width - 1] + 6):
                between[x] = np.float32(upper[x]) + weight * (np.float32(lower[x]) - np.float32(upper[x]))
            for x in range(width):
                left = column[z, x]
                weight = column_weight[z, x]
                for c in range(3):
                    total[3 * x + c] += between[left + c] + weight * (between[left + 3 + c] - between[left + c])
        for x in range(3 * width):
            out[y, x] = np.uint8(np.int32(total[x] / np.float32(factors + 1)))


def magnify(field: NDArray[np.floating], factor: float) -> NDArray[np.floating]:
    """Stretch the middle 1 / factor of a field [h, w] over the whole field; only that middle is read."""
    (top, down), (left, across) = samples(field.shape[0], factor), samples(field.shape[1], factor)
    return _blend(field, top, down, left, across)


def torus_cells(shape: tuple[int, int], factor: float) -> tuple[int, int]:
    """How many cells, magnified as by `magnify`, fill a field of `shape` that is to wrap round."""
    rows, columns = (max(round(side * _step(side, factor)), 1) for side in shape)
    return rows, columns


def magnify_torus(cells: NDArray[np.floating], shape: tuple[int, int]) -> NDArray[np.floating]:
    """Stretch cells that wrap round over a field of `shape` that wraps round."""
    wrapped = np.pad(cells, (0, 1), mode="wrap")
    (top, down), (left, across) = (_between(cells.shape[axis], shape[axis]) for axis in (0, 1))
    return _blend(wrapped, top, down, left, across)


def _blend(
    field: NDArray[np.floating],
    top: NDArray[np.uint32],
    down: NDArray[np.float32],
    left: NDArray[np.uint32],
    across: NDArray[np.float32],
) -> NDArray[np.floating]:
    rows = field[top] + down[:, None] * (field[top + 1] - field[top])
    before = rows.take(left, axis=1)  # contiguous, unlike rows[:, left]
    return before + across * (rows.take(left + 1, axis=1) - before)


def _between(cells: int, side: int) -> Samples:
    position = np.arange(side) * (cells / side)
    first = position.astype(np.uint32)
    return Samples(first, (position - first).astype(np.float32))
