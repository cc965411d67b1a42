"""Digests and traces show whether two runs differ, and by how much."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mgtta_cam.digests import BLOCK, BLOCKS, TENSOR_DIGITS, chained, digest, of_file, of_tensors, traces


def tensors(scale: float = 1.0) -> dict[str, torch.Tensor]:
    """Two small tensors, and the same after adaptation."""
    draw = torch.Generator().manual_seed(0)
    return {name: scale * torch.randn(200, generator=draw) for name in ("first", "last")}


def test_arrays() -> None:
    """One changed bit changes the digest; a copy of another layout does not."""
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    other = array.copy()
    other[2, 3] ^= 1
    assert digest(array) == digest(np.asfortranarray(array)) != digest(other)


def test_chains() -> None:
    """Their order counts, and where one ends and the next begins."""
    assert chained("", "a", "b") != chained("", "b", "a")
    assert chained("", "ab") != chained("", "a", "b")


def test_the_tensor_that_differs_is_found() -> None:
    """By its place among the digests, and by about how much it differs."""
    source = {name: torch.zeros_like(value) for name, value in tensors().items()}
    one, other = tensors(), tensors()
    other["last"] = other["last"] + 1e-3
    assert of_tensors(one) != of_tensors(other)
    mine, theirs = traces(one, source), traces(other, source)
    cut = TENSOR_DIGITS
    assert mine.digests[:cut] == theirs.digests[:cut]
    assert mine.digests[cut:] != theirs.digests[cut:]
    assert mine.moved[0] == pytest.approx(float(one["first"].norm()), rel=1e-4)
    assert mine.sketch[0] == theirs.sketch[0]
    assert mine.sketch[1] != theirs.sketch[1]


def test_sketches_differ_as_tensors_do() -> None:
    """The root of the mean squared difference of sketches is near the distance of the tensors."""
    source = {f"p{i}": torch.zeros(300) for i in range(400)}
    draw = torch.Generator().manual_seed(1)
    moved = {name: torch.randn(300, generator=draw) for name in source}
    differences = np.subtract(traces(moved, source).sketch, traces(source, source).sketch)
    assert np.sqrt(np.mean(differences**2)) == pytest.approx(300**0.5, rel=0.1)


def test_nothing_adapted() -> None:
    """Methods without parameters of their own leave no traces."""
    assert traces({}, {}) == ("", (), ())


@pytest.mark.parametrize("size", [0, 1, BLOCK, BLOCK + 1, BLOCK * BLOCKS])
def test_a_changed_file(tmp_path: Path, size: int) -> None:
    """Every byte of a short file counts; of a long one, at least the size and the first and last blocks."""
    path = tmp_path / "a"
    path.write_bytes(bytes(size))
    before = of_file(path)
    for place in {0, size // 2, size - 1} if size else ():
        path.write_bytes(bytes(place) + b"x" + bytes(size - place - 1))
        assert of_file(path) != before
    path.write_bytes(bytes(size + 1))
    assert of_file(path) != before
