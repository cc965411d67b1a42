"""Gradients of a scalar loss with respect to named parameters. n adapted scalars."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mgtta.parameters import flatten, unflatten, vector
from mgtta.types import Tensors


def gradient(loss: Tensor, parameters: Tensors, scales: Sequence[float] = (1.0,)) -> Tensors:
    """`gradient_vector` by parameter name."""
    return unflatten(gradient_vector(loss, parameters, scales), parameters)


def gradient_vector(loss: Tensor, parameters: Tensors, scales: Sequence[float] = (1.0,)) -> Tensor:
    """The gradient [n] of a scalar loss; zero where the loss does not depend on a parameter.

    Args:
        loss: scalar.
        parameters: float32.
        scales: `Classifier.loss_scales`, powers of two. Gradients of a model in float16 underflow below 6e-8 and
            overflow above 65,504: the loss is multiplied by the first scale under which all are finite, and the
            result divided by it.
    """
    whole = torch.empty(0)
    for scale in scales:
        values = torch.autograd.grad(
            loss * scale, list(parameters.values()), materialize_grads=True, retain_graph=len(scales) > 1
        )
        whole = flatten(values) / scale
        if len(scales) == 1 or whole.isfinite().all():
            break
    return whole


def norm(tensors: Tensors) -> float:
    """Euclidean norm over all tensors; infinite or NaN if one scalar is."""
    return vector(tensors).float().norm().item()
