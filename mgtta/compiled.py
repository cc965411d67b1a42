"""Loops over arrays compiled by numba at their first call; numba is imported only then."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Decorates a plain loop over arrays so that its first call compiles it.

    The machine code is kept on disk between runs, beside the source or in the user's cache directory
    (NUMBA_CACHE_DIR overrides); where neither can be written, each process compiles anew.
    """

    @cache
    def dispatcher() -> Callable[P, R]:
        return compile_loop(function)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return dispatcher()(*args, **kwargs)

    return call


def compile_loop(function: Callable[..., Any]) -> Any:
    """Compiles `function` with numba: without the GIL, on one thread, without reordering float arithmetic."""
    import numba

    options = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # numba found no directory that it may write its cache to
        return numba.njit(**options)(function)
