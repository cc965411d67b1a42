"""Numba comes late, and a place without a writable cache does not stop it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numba
import numpy as np
import pytest

from mgtta.compiled import compile_loop
from mgtta_cam.corruptions import warm_up


def double(values: np.ndarray) -> None:
    """A loop to compile."""
    for i in range(values.size):
        values[i] *= 2


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("from mgtta_cam.corruptions import Schedule, STANDARD, parse_corruption", ("numba", "cv2", "numpy")),
        ("from mgtta_cam.corruptions import CORRUPTIONS, Corruptor, corrupt", ("numba", "scipy", "torch")),
    ],
)
def test_imports_are_light(code: str, absent: tuple[str, ...]) -> None:
    """Names and schedules need no numpy; nothing needs numba before a loop runs."""
    check = f"{code}; import sys; print([m for m in {absent!r} if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_an_unknown_name_of_the_package() -> None:
    """The late import does not hide a slip of the pen."""
    import mgtta_cam.corruptions

    with pytest.raises(AttributeError, match="corupt"):
        mgtta_cam.corruptions.corupt  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_no_writable_cache_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where numba finds no directory for its cache, the loop is compiled for this process alone."""
    njit = numba.njit

    def without_a_place(*args: Any, cache: bool = False, **options: Any) -> Any:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(*args, **options)

    monkeypatch.setattr(numba, "njit", without_a_place)
    values = np.arange(3)
    compile_loop(double)(values)
    assert values.tolist() == [0, 2, 4]


def test_warm_up_runs_everything() -> None:
    """All loops compile and all tables build without an input."""
    warm_up()
