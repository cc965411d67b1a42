"""The sub-commands that list what there is: `methods`, `corruptions`. One name a line on stdout, with what it is."""

from __future__ import annotations

import inspect
import sys


def methods() -> None:
    """Lists the methods of adaptation, each with its paper."""
    from mgtta import METHODS

    for name, builder in METHODS.items():
        print(f"{name:12}{_first_sentence(sys.modules[builder.__module__].__doc__)}")


def corruptions() -> None:
    """Lists the corruptions: the 15 of ImageNet-C, then the four kept apart for validation and pre-training."""
    from app.corruptions.names import STANDARD, VALIDATION

    for group, names in (("standard", STANDARD), ("validation", VALIDATION)):
        for name in names:
            print(f"{name:20}{group}")


def _first_sentence(doc: str | None) -> str:
    return inspect.cleandoc(doc or "").split("\n")[0].rstrip(".")


COMMANDS = (methods, corruptions)
