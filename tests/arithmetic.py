"""Tolerances from the arithmetic: how far a result may be from the exact one, whatever processor computed it.

Processors add in different orders, fuse products with sums or do not, and have their own polynomials for exp, tanh and
erf. Backward error analysis says what all of them have in common: each gives the exact result for operands that are off
by a unit or so in the last place. So a float64 twin of the computation is run several times, with the operands of each
operation off at random by up to one unit of the type in question (Monte Carlo arithmetic, D. S. Parker 1997). How far
its results spread is how far rounding carries there, through all that cancels or amplifies. No number that one
processor gave is in it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from math import sqrt
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from mgtta_models import Backbone

RUNS = 8
MOVES = {"clone", "cat", "stack", "_to_copy", "index", "index_select", "gather", "where", "repeat", "copy_"}
Results = Tensor | Sequence[Tensor] | Mapping[str, Tensor]


class Rounding(TorchDispatchMode):
    """Inside it, operands of each operation are off by up to one unit in the last place of `dtype`, relatively.

    The same operation on the same shapes is off in the same way each time: what is computed twice is equal.

    Args:
        seed: another one, another way.
        dtype: whose unit, `eps`, it is: twice what rounding to nearest makes of a number.
    """

    def __init__(self, seed: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.seed, self.eps = seed, torch.finfo(dtype).eps
        self._factors: dict[tuple[Any, ...], Tensor] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Passes on what only moves numbers."""
        kwargs, name = kwargs or {}, func.overloadpacket.__name__
        if name in MOVES or any(
            returned.alias_info and not func._schema.is_mutable for returned in func._schema.returns
        ):
            return func(*args, **kwargs)
        if not func._schema.is_mutable:
            return func(*tree_map(lambda value: self._off(name, value), args), **kwargs)
        target, *others = args
        result = func(target, *tree_map(lambda value: self._off(name, value), others), **kwargs)
        if isinstance(target, Tensor) and others:
            target.copy_(self._off(name, target))
        return result

    def _off(self, name: str, value: Any) -> Any:
        if not isinstance(value, Tensor) or not value.is_floating_point():
            return value
        key = (name, tuple(value.shape))
        if key not in self._factors:
            draw = torch.Generator().manual_seed(hash((self.seed, *key[1], sum(name.encode()))) % 2**63)
            self._factors[key] = 1 + self.eps * (2 * torch.rand(value.shape, generator=draw, dtype=torch.float64) - 1)
        return (value * self._factors[key]).to(value.dtype)


class Exact(NamedTuple):
    """A result in float64, and how far one in another type may be from it."""

    value: Tensor
    bound: float  # for each of its numbers

    def assert_near(self, found: Tensor, name: str = "result") -> None:
        """Says by how much it is off; writing a number down in the type that it has is one more rounding."""
        written = torch.finfo(found.dtype).eps / 2 * self.value.abs()
        off = float(((found.detach().double() - self.value).abs() - written).max())
        assert off <= self.bound, f"{name} is off by {off:.3g}, where rounding explains {self.bound:.3g}"


def exact(compute: Callable[[], Results], *, terms: int, dtype: torch.dtype = torch.float32) -> dict[str, Exact]:
    """Results of a computation in float64, each with the bound for those in `dtype`.

    A sum of n terms, added one after the other, is the slowest order of all, and the worst: its n roundings are of
    partial sums, up to sqrt(n) / 4 times as much as the operands' own units make. Hence the factor, sqrt(n), which
    leaves room.

    Args:
        compute: gives float64 tensors, the same each time; what it changes it makes itself.
        terms: of the longest sum in it.
        dtype: of the computation that is to be judged.
    """
    value = named(compute())
    largest = dict.fromkeys(value, 0.0)
    for seed in range(RUNS):
        with Rounding(seed, dtype):
            other = named(compute())
        largest = {name: max(off, float((other[name] - value[name]).abs().max())) for name, off in largest.items()}
    return {name: Exact(value[name].double(), sqrt(terms) * off) for name, off in largest.items()}


def doubled(backbone: Backbone) -> Backbone:
    """A twin of its own weights in float64; features stay in float32."""
    twin = copy.deepcopy(backbone).double()
    twin.engine, twin.dtype = None, torch.float64
    return twin


def named(results: Results) -> dict[str, Tensor]:
    """By name, or by number."""
    if isinstance(results, Tensor):
        results = [results]
    pairs = results.items() if isinstance(results, Mapping) else ((str(i), each) for i, each in enumerate(results))
    return {name: tensor.detach() for name, tensor in pairs}
