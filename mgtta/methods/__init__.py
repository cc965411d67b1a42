"""All methods by name: one paper, one file, one line here.

A method's file is imported when the method is asked for: names alone must not wait for torch.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.abc import InspectLoader
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mgtta.types import Method

_NAMES = ("none", "lame", "t3a", "tent", "cotta", "sar", "foa", "eata", "deyo", "foa-bp", "sgd", "mgtta-lstm", "mgtta")


class Methods(Mapping[str, "Callable[..., Method]"]):
    """Name -> builder; the builder of `foa-bp` is the function `foa_bp` in the file `foa_bp.py`."""

    def __getitem__(self, name: str) -> Callable[..., Method]:
        home = _home(name)
        return getattr(import_module(home), home.rpartition(".")[2])

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


METHODS = Methods()


def title(name: str) -> str:
    """The first line of a method's file, which names its paper: read without importing the file."""
    spec = find_spec(_home(name))
    assert spec is not None
    assert isinstance(spec.loader, InspectLoader)
    doc = ast.get_docstring(ast.parse(spec.loader.get_source(spec.name) or "")) or ""
    return doc.split("\n")[0].rstrip(".")


def _home(name: str) -> str:
    """The module of a method."""
    if name not in _NAMES:
        raise KeyError(name)
    return f"mgtta.methods.{name.replace('-', '_')}"
