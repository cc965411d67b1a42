"""Fingerprints: by them two runs are compared, number for number, without the numbers themselves."""

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

BITS = 64  # of a digest
TENSOR_DIGITS = 4  # hexadecimal, of the digest of one tensor
PERIOD = 4096  # of the signs that sketches are made with
BLOCK, BLOCKS = 2**16, 64  # bytes, and how many of them, of a long file


class Traces(NamedTuple):
    """What learning has left in each adapted tensor, in their order: which of them differs, and by about how much."""

    digests: str  # TENSOR_DIGITS a tensor, over its float32 values
    moved: tuple[float, ...]  # Euclidean distance from the source model's
    sketch: tuple[float, ...]  # the way from there, added up under fixed signs: see `sketched`


def digest(array: NDArray[Any]) -> str:
    """BLAKE2b over an array's bytes, hexadecimal."""
    return _of_bytes([np.ascontiguousarray(array).data])


def chained(chain: str, *digests: str) -> str:
    """The chain after some more digests: equal chains mean equal histories."""
    return _of_bytes([" ".join((chain, *digests)).encode()])


def of_tensors(tensors: Tensors) -> str:
    """BLAKE2b over float32 values of all tensors, in their order, hexadecimal."""
    return _of_bytes(values.data for values in _values(tensors))


def of_file(path: Path) -> str:
    """BLAKE2b over a file's size and its bytes, hexadecimal; of a long file, over blocks spread evenly over it."""
    size = path.stat().st_size
    count = min(BLOCKS, -(-size // BLOCK))
    places = [round(i * max(0, size - BLOCK) / max(1, count - 1)) for i in range(count)]
    with path.open("rb") as file:
        return _of_bytes(
            [str(size).encode(), *((file.seek(place, os.SEEK_SET), file.read(BLOCK))[1] for place in places)]
        )


def traces(tensors: Tensors, source: Tensors) -> Traces:
    """What is left in tensors that began as those of the source."""
    own = list(_values(tensors))
    ways = [values - begin for values, begin in zip(own, _values(source), strict=True)]
    return Traces(
        "".join(_of_bytes([values.data])[:TENSOR_DIGITS] for values in own),
        tuple(_short(float(np.linalg.norm(way))) for way in ways),
        tuple(_short(sketched(way)) for way in ways),
    )


def sketched(values: NDArray[np.float32]) -> float:
    """A sum of values [n] under signs drawn once for all.

    The sketches of two tensors differ by a number whose square is, in the mean over signs, the squared distance of the
    tensors (Alon, Matias, Szegedy, "The space complexity of approximating the frequency moments", 1996).
    """
    folded = np.pad(values, (0, -len(values) % PERIOD)).reshape(-1, PERIOD).sum(axis=0, dtype=np.float64)
    return float(folded @ _signs())


@cache
def _signs() -> NDArray[np.float64]:
    return np.random.RandomState(0).choice((-1.0, 1.0), PERIOD)


def _short(value: float) -> float:
    """To five significant digits."""
    return float(f"{value:.5g}")


def _values(tensors: Tensors) -> Iterable[NDArray[np.float32]]:
    """Of each tensor, flat."""
    return (tensor.detach().float().cpu().contiguous().numpy().ravel() for tensor in tensors.values())


def _of_bytes(parts: Iterable[bytes | memoryview]) -> str:
    state = hashlib.blake2b(digest_size=BITS // 8)
    for part in parts:
        state.update(part)
    return state.hexdigest()
