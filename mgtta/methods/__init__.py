"""All methods by name: one paper, one file, one line here.

A method's file is imported when the method is asked for: names alone must not wait for torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mgtta.types import Method

_NAMES = ("none", "lame", "t3a", "tent", "cotta", "sar", "foa", "eata", "deyo", "foa-bp", "sgd", "mgtta-lstm", "mgtta")


class Methods(Mapping[str, "Callable[..., Method]"]):
    """Name -> builder; the builder of `foa-bp` is the function `foa_bp` in the file `foa_bp.py`."""

    def __getitem__(self, name: str) -> Callable[..., Method]:
        if name not in _NAMES:
            raise KeyError(name)
        own = name.replace("-", "_")
        return getattr(import_module(f"mgtta.methods.{own}"), own)

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


METHODS = Methods()
