"""All methods by name: one paper, one file, one line here."""

from __future__ import annotations

from collections.abc import Callable

from mgtta.methods.mgtta import mgtta
from mgtta.methods.none import none
from mgtta.methods.sgd import sgd
from mgtta.methods.tent import tent
from mgtta.types import Method

METHODS: dict[str, Callable[..., Method]] = {
    "none": none,
    "tent": tent,
    "sgd": sgd,
    "mgtta": mgtta,
}
