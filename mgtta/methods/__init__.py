"""All methods by name: one paper, one file, one line here.

A method's file is imported when the method is asked for: names alone must not wait for torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mgtta.types import Method

_NAMES = (
    "none",
    "tent",
    "sgd",
    "mgtta",
)


class Methods(Mapping[str, "Callable[..., Method]"]):
    """Name -> builder; the builder of `tent` is the function `tent` in the file `tent.py`."""

    def __getitem__(self, name: str) -> Callable[..., Method]:
        if name not in _NAMES:
            raise KeyError(name)
        return getattr(import_module(f"mgtta.methods.{name}"), name)

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


METHODS = Methods()
