"""A method on a tiny model: built with whatever it needs, and run on random pictures. What `mgtta.contract` checks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor

from mgtta.generator import MetaGradientGenerator
from mgtta.parameters import flatten
from mgtta.recurrent import RecurrentGenerator
from mgtta.statistics import SourceStatistics, measure_fisher
from mgtta.types import Method
from mgtta_models import Classifier
from mgtta_models.tiny import SIZE, tiny_backbone

WINDOWS = 4  # of a run


@dataclass(frozen=True)
class Trial:
    """A method's builder, and how to build it on a tiny model.

    Statistics, generators and Fisher importances are given to builders that ask for them by our names.

    Args:
        builder: (model, ...) -> method.
        options: that all builds get, for example to be quick.
        others: option -> a value other than the default, for the check of options; by default made from the default.
        beside: option -> further options that it needs to have an effect.
    """

    builder: Callable[..., Method]
    options: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)
    beside: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def build(self, model: Classifier | None = None, **options: Any) -> Method:
        """The method on a fresh tiny model, or on the one given."""
        wanted = inspect.signature(self.builder).parameters
        needs = {name: make() for name, make in NEEDS.items() if name in wanted}
        return self.builder(tiny_backbone() if model is None else model, **needs, **{**self.options, **options})

    def run(self, method: Method, first: int = 0) -> list[Tensor]:
        """Answers of a few steps."""
        return [method.step(pictures(first + i)).logits for i in range(WINDOWS)]


def pictures(seed: int, count: int = 16) -> Tensor:
    """Random normalized pictures [count, 3, 32, 32]."""
    return torch.randn(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Whether two states are equal to the bit; NaN is equal to NaN."""
    return one.keys() == other.keys() and all(
        tensor.shape == other[name].shape
        and torch.equal(tensor.nan_to_num(), other[name].nan_to_num())
        and torch.equal(tensor.isnan(), other[name].isnan())
        for name, tensor in one.items()
    )


def learned(method: Method) -> Tensor:
    """A copy of the adapted parameters now, as one vector."""
    return flatten(method.parameters()).detach().clone()


@cache
def _statistics() -> SourceStatistics:
    return SourceStatistics.measure(tiny_backbone(), [pictures(100, 32)])


@cache
def _fisher() -> dict[str, Tensor]:
    return measure_fisher(tiny_backbone(), [pictures(100, 32)])


NEEDS: dict[str, Callable[[], Any]] = {
    "statistics": _statistics,
    "generator": lambda: MetaGradientGenerator(1),
    "lstm": lambda: RecurrentGenerator(1),
    "fisher": _fisher,
}
