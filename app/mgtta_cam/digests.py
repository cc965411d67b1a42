"""Digests, by which two runs are compared number for number without storing the numbers."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mgtta.types import Tensors

BITS = 64  # size of a digest
TENSOR_DIGITS = 4  # hexadecimal digits of one tensor's digest
PERIOD = 4096  # length after which the signs of a sketch repeat
BLOCK, BLOCKS = 2**16, 64  # bytes in a block, and the most blocks that are read from a file


class Traces(NamedTuple):
    """A trace of each adapted tensor, in order, that shows which tensors differ and by roughly how much."""

    digests: str  # TENSOR_DIGITS per tensor, over its float32 values
    moved: tuple[float, ...]  # Euclidean distance from the source model's tensor
    sketch: tuple[float, ...]  # the difference from it, summed under fixed signs: see `sketched`


def digest(array: NDArray[Any]) -> str:
    """Returns BLAKE2b over an array's bytes, in hexadecimal."""
    return _of_bytes([np.ascontiguousarray(array).data])


def chained(chain: str, *digests: str) -> str:
    """Extends a chain by more digests; equal chains mean equal histories."""
    return _of_bytes([" ".join((chain, *digests)).encode()])


def of_tensors(tensors: Tensors) -> str:
    """Returns BLAKE2b over the float32 values of all tensors, in order, in hexadecimal."""
    return _of_bytes(values.data for values in _values(tensors))


def of_file(path: Path) -> str:
    """Returns BLAKE2b over a file's size and bytes, in hexadecimal; a long file is sampled in evenly spread blocks."""
    size = path.stat().st_size
    count = min(BLOCKS, -(-size // BLOCK))
    places = [round(i * max(0, size - BLOCK) / max(1, count - 1)) for i in range(count)]
    with path.open("rb") as file:
        return _of_bytes(
            [str(size).encode(), *((file.seek(place, os.SEEK_SET), file.read(BLOCK))[1] for place in places)]
        )


def traces(tensors: Tensors, source: Tensors) -> Traces:
    """Returns the traces of tensors that began as copies of `source`."""
    own = list(_values(tensors))
    ways = [values - begin for values, begin in zip(own, _values(source), strict=True)]
    return Traces(
        "".join(_of_bytes([values.data])[:TENSOR_DIGITS] for values in own),
        tuple(_short(float(np.linalg.norm(way))) for way in ways),
        tuple(_short(sketched(way)) for way in ways),
    )


def sketched(values: NDArray[np.float32]) -> float:
    """Sums values [n] under signs that are drawn once for all.

    The squared difference of two tensors' sketches is, averaged over the signs, the tensors' squared distance (Alon,
    Matias, Szegedy, "The space complexity of approximating the frequency moments", 1996).
    """
    folded = np.pad(values, (0, -len(values) % PERIOD)).reshape(-1, PERIOD).sum(axis=0, dtype=np.float64)
    return float(folded @ _signs())


@cache
def _signs() -> NDArray[np.float64]:
    return np.random.RandomState(0).choice((-1.0, 1.0), PERIOD)


def _short(value: float) -> float:
    """Rounds to five significant digits."""
    return float(f"{value:.5g}")


def _values(tensors: Tensors) -> Iterable[NDArray[np.float32]]:
    """Yields each tensor's values, flat."""
    return (tensor.detach().float().cpu().contiguous().numpy().ravel() for tensor in tensors.values())


def _of_bytes(parts: Iterable[bytes | memoryview]) -> str:
    state = hashlib.blake2b(digest_size=BITS // 8)
    for part in parts:
        state.update(part)
    return state.hexdigest()
