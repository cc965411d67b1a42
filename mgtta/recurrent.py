"""The generator with an LSTM in the place of the gradient memory layer (arXiv 2412.16901, Table 4).

The authors' class is not published; this is the public learned optimizer with just the signature that their program
expects: one LSTM cell of width 8 for each adapted scalar, read out through tanh. Its input is that of the Meta Gradient
Generator. Notation: n adapted scalars, f = 8 memory width.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mgtta.generator import WIDTH, normalized_inputs
from mgtta.parameters import unflatten, vector
from mgtta.types import Tensors, Transform
from mgtta_models import ModelError

UNUSED = "recurs2."  # a second cell in the authors' signature that is never run


class RecurrentMemory(NamedTuple):
    """All that the generator remembers of a stream."""

    m: Tensor  # [n] first moment of the gradients
    v: Tensor  # [n] second moment
    h: Tensor  # [n, f]
    c: Tensor  # [n, f]
    t: Tensor  # [] int64 on the CPU, steps since the last reset


class RecurrentGenerator(nn.Module):
    """392 shared numbers: an LSTM cell (2 -> 8, gates i, f, g, o) and a read-out.

    Args:
        seed: of torch's usual initialization.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.recurs = nn.LSTMCell(2, WIDTH)
        self.output = nn.Linear(WIDTH, 1, bias=False)
        draw = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -1 / math.sqrt(WIDTH), 1 / math.sqrt(WIDTH), generator=draw)

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Input [n, 2] and memory [n, f] twice -> generated gradient u [n] in (-1, 1), and the memory after it."""
        h, c = self.recurs(x, (h, c))
        return torch.tanh(self.output(h)).squeeze(1), h, c

    def transform(self) -> Transform:
        """This generator as a deployed optimizer: `recurrent_gradient`."""
        return recurrent_gradient(self)

    def differentiable(self) -> Transform:
        """This generator as an optimizer to train: `differentiable_recurrent_gradient`."""
        return differentiable_recurrent_gradient(self)

    @classmethod
    def from_official(cls, mapping: Mapping[str, Tensor]) -> RecurrentGenerator:
        """From arrays by the names of that class; its unused second cell is ignored.

        Raises:
            ModelError: if an array is missing, unknown or has another shape.
        """
        arrays = {name: torch.as_tensor(a) for name, a in mapping.items() if not name.startswith(UNUSED)}
        generator = cls()
        own = generator.state_dict()
        if {k: v.shape for k, v in own.items()} != {k: v.shape for k, v in arrays.items()}:
            raise ModelError(
                f"an LSTM generator has the arrays {', '.join(own)}; got {', '.join(arrays)[:120] or 'none'}: make one "
                "with mgtta-cam pretrain --method mgtta-lstm"
            )
        generator.load_state_dict({name: array.detach().float() for name, array in arrays.items()})
        return generator

    def official(self) -> dict[str, Tensor]:
        """Copies of the arrays by their names."""
        return {name: tensor.detach().clone() for name, tensor in self.state_dict().items()}


def recurrent_gradient(generator: RecurrentGenerator) -> Transform:
    """The generator as an optimizer for deployment: gradients in, updates in (-1, 1) out, not yet times the rate.

    It is never differentiated, whether gradients are enabled or not.
    """
    init, update = differentiable_recurrent_gradient(generator)
    return Transform(torch.no_grad()(init), torch.no_grad()(update))


def differentiable_recurrent_gradient(generator: RecurrentGenerator) -> Transform:
    """The generator as an optimizer for pre-training: the same numbers, with a graph back to the generator."""

    def init(parameters: Tensors) -> RecurrentMemory:
        like = generator.output.weight
        n = sum(parameter.numel() for parameter in parameters.values())
        h = like.new_zeros(n, WIDTH)
        return RecurrentMemory(like.new_zeros(n), like.new_zeros(n), h, h.clone(), torch.zeros((), dtype=torch.int64))

    def update(gradients: Tensors, state: RecurrentMemory) -> tuple[Tensors, RecurrentMemory]:
        x, m, v = normalized_inputs(vector(gradients).detach().to(state.m), state.m, state.v, int(state.t) + 1)
        u, h, c = generator(x, state.h, state.c)
        return unflatten(u, gradients), RecurrentMemory(m, v, h, c, state.t + 1)

    return Transform(init, update)
