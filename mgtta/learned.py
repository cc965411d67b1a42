"""The two places where what a method learns lives: the adapted parameters, and a state of tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mgtta.parameters import joined, unflatten
from mgtta.types import Tensors


class Learned:
    """Parameters that change in place, and a state (NamedTuples of tensors, nested to any depth) that is replaced.

    Parameters that lie one after another in memory, as a Backbone's norms do, are copied and moved as one vector.

    Args:
        parameters: the adapted ones, thawed here; their values now are the source that `reset` returns to.
        init: parameters -> the state of step zero.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], init: Callable[[Tensors], Any]) -> None:
        self.parameters = {name: p.requires_grad_() for name, p in parameters.items()}
        self._whole = joined(self.parameters)
        self.source = self.values()
        self.init = init
        self.state = init(self.parameters)

    def reset(self) -> None:
        """Returns to the source, to the bit."""
        self.assign(self.source)
        self.state = self.init(self.parameters)

    def values(self) -> Tensors:
        """Copies of the parameters."""
        if self._whole is not None:
            return unflatten(self._whole.clone(), self.parameters)
        return {name: p.detach().clone() for name, p in self.parameters.items()}

    @torch.no_grad()
    def assign(self, values: Tensors) -> None:
        """Sets all parameters to these values."""
        values = {name: values[name] for name in self.parameters}
        whole = joined(values)
        if self._whole is not None and whole is not None:
            self._whole.copy_(whole)
            return
        for name, parameter in self.parameters.items():
            parameter.copy_(values[name])

    @torch.no_grad()
    def move(self, updates: Tensors, rate: float) -> None:
        """Subtracts rate times updates from the parameters."""
        whole = joined(updates)
        if self._whole is not None and whole is not None:
            self._whole.add_(whole, alpha=-rate)
            return
        for name, parameter in self.parameters.items():
            parameter.add_(updates[name], alpha=-rate)

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of the adapted parameters (`parameter.*`) and of the state (`state.*`)."""
        state = {name: tensor.detach().clone() for name, tensor in flat(self.state, "state").items()}
        return {f"parameter.{name}": value for name, value in self.values().items()} | state

    def load_state_dict(self, saved: Mapping[str, Tensor]) -> None:
        """Restores what `state_dict` gave.

        Raises:
            ValueError: if a tensor is missing, unknown or of another shape; nothing is changed then. The length of a
                state's tensor may differ: some memories grow.
        """
        parameters = {f"parameter.{name}": p for name, p in self.parameters.items()}
        state = flat(self.state, "state")
        wrong = sorted((parameters.keys() | state.keys()) ^ saved.keys())
        wrong += [name for name, p in parameters.items() if name in saved and p.shape != saved[name].shape]
        wrong += [name for name, t in state.items() if name in saved and t.shape[1:] != saved[name].shape[1:]]
        if wrong:
            raise ValueError(f"this state is not of the same method and model: {', '.join(wrong[:3])} differ")
        self.assign({name.removeprefix("parameter."): saved[name] for name in parameters})
        self.state = filled(self.state, saved, "state")


def flat(state: Any, prefix: str) -> dict[str, Tensor]:
    """All tensors of nested NamedTuples by their dotted names."""
    if isinstance(state, Tensor):
        return {prefix: state}
    fields = state._asdict().items()
    return {name: tensor for field, part in fields for name, tensor in flat(part, f"{prefix}.{field}").items()}


def filled(like: Any, tensors: Tensors, prefix: str) -> Any:
    """The inverse of `flat`: the types and devices of `like`, with copies of the tensors."""
    if isinstance(like, Tensor):
        return tensors[prefix].to(like.device).clone()
    return type(like)(*(filled(part, tensors, f"{prefix}.{field}") for field, part in like._asdict().items()))
