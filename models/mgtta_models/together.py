"""One model for many streams: pictures of all of them in one pass, each with norms of its own.

Notation: b pictures, n scalars of the norm layers, d width.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mgtta_models.backbone import Backbone
from mgtta_models.norms import NarrowNorm
from mgtta_models.types import Engine, Output

LAST = (nn.LayerNorm, nn.RMSNorm)  # norms whose parameters lie along the last axis; those of others along the second


class Apart(nn.Module):
    """A backbone's forward pass whose pictures have norms of their own.

    The weights are shared with the backbone given; its own norms do not matter.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone.twin()
        self.backbone.engine = self.backbone.kept = None
        self.sizes = [p.numel() for p in self.backbone.norm_parameters().values()]
        self._own: dict[nn.Module, dict[str, Tensor]] = {}  # of the pass under way: [b, d] by layer and name
        for _, layer in self.backbone.norms():
            for name, parameter in layer.named_parameters(recurse=False):
                parameter.data = torch.full_like(parameter, float(name == "weight"))
            if isinstance(layer, NarrowNorm):
                layer.widen()
            layer.register_forward_hook(self._scaled, prepend=True)

    def forward(self, x: Tensor, norms: Tensor) -> Output:
        """[b, 3, h, w] and [b, n] -> its output, of all classes."""
        parts = iter(norms.split(self.sizes, dim=1))
        for _, layer in self.backbone.norms():
            self._own[layer] = {name: next(parts) for name, _ in layer.named_parameters(recurse=False)}
        return self.backbone(x)

    def _scaled(self, layer: nn.Module, _: object, normalized: Tensor) -> Tensor:
        """Tokens [b, ..., d], or maps [b, d, ...], by the weights of their pictures."""
        b, d = normalized.shape[0], next(iter(self._own[layer].values())).shape[1]
        others = [1 for _ in normalized.shape[2:]]
        shape = (b, *others, d) if isinstance(layer, LAST) else (b, d, *others)
        for name, own in self._own[layer].items():
            values = own.view(shape)
            normalized = normalized * values if name == "weight" else normalized + values
        return normalized


@dataclass(slots=True)
class _Request:
    x: Tensor  # [b, 3, h, w]
    norms: Tensor  # [b, n]
    answer: Output | Exception | None = None


class Together:
    """An engine for several models of the same weights: requests of the same time share one pass.

    While one pass is computed, requests gather; the next thread computes them for all.

    Args:
        compute: [b, 3, h, w], [b, n] -> output; called by one thread at a time.
    """

    def __init__(self, compute: Callable[[Tensor, Tensor], Output]) -> None:
        self._compute, self.runtime = compute, getattr(compute, "runtime", "torch")
        self._turn, self._gathering = threading.Lock(), threading.Lock()
        self._waiting: list[_Request] = []
        self.passes, self.pictures = 0, 0  # so far

    def __call__(self, x: Tensor, norms: Tensor) -> Output:
        """[b, 3, h, w] and one set of norms [n] -> output; waits for its turn."""
        asked = _Request(x, norms.expand(len(x), -1))
        with self._gathering:
            self._waiting.append(asked)
        with self._turn:
            if asked.answer is None:
                with self._gathering:
                    gathered, self._waiting = self._waiting, []
                self._answer(gathered)
        if isinstance(asked.answer, Exception):
            raise asked.answer
        assert asked.answer is not None
        return asked.answer

    def _answer(self, gathered: list[_Request]) -> None:
        try:
            output = self._compute(torch.cat([one.x for one in gathered]), torch.cat([one.norms for one in gathered]))
        except Exception as error:  # each that waits raises it
            for one in gathered:
                one.answer = error
            return
        self.passes, self.pictures = self.passes + 1, self.pictures + len(output.logits)
        parts = (part.split([len(one.x) for one in gathered]) for part in output)
        for one, logits, features in zip(gathered, *parts, strict=True):
            one.answer = Output(logits, features)

    def __deepcopy__(self, _: Mapping[int, object]) -> None:
        """A copy of a model may get other weights: it computes by itself."""


def by_torch(backbone: Backbone) -> Engine:
    """The pass of `Apart`, by torch."""
    apart = Apart(backbone)

    @torch.no_grad()
    def compute(x: Tensor, norms: Tensor) -> Output:
        return apart(x, norms)

    return compute
