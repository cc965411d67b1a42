"""Names that are imported at their first use: torch and OpenCV take seconds, and `--help` must not wait for them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


def deferred(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """A package's `__getattr__` (PEP 562): a name is imported when it is asked for, and then stays.

    Args:
        package: its name.
        homes: name -> the package's module that has it; an empty one for a module of that name.
    """

    def attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes[name]
        value = getattr(import_module(f"{package}.{home}"), name) if home else import_module(f"{package}.{name}")
        setattr(sys.modules[package], name, value)
        return value

    return attribute


def callable_package(package: str, home: str) -> None:
    """Makes a package a function too: `mgtta_cam.stream(...)` beside the room `mgtta_cam.stream`.

    Importing any module of a package makes the package an attribute of its parent, so a function of the same name
    would be lost there.

    Args:
        package: its name; the function has the last part of it.
        home: the module that has the function, imported at the first call.
    """

    class CallablePackage(ModuleType):
        """A module that passes calls on."""

        @property
        def __wrapped__(self) -> Any:
            """The function: `help` and `inspect.signature` look here."""
            return getattr(import_module(home), package.rpartition(".")[2])

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return self.__wrapped__(*args, **kwargs)

    sys.modules[package].__class__ = CallablePackage
