"""Unsupervised losses. b batch, c classes, l blocks, d width."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mgtta.logits import entropy
from mgtta_models import Output

if TYPE_CHECKING:
    from mgtta.statistics import SourceStatistics

Loss = Callable[[Output], tuple[Tensor, Mapping[str, Tensor]]]  # -> scalar to minimize, its terms (0-d) for the log


def discrepancy(features: Tensor, statistics: SourceStatistics) -> Tensor:
    """Squared distance of a window's means and standard deviations from those of clean data: [b, l, d] -> scalar.

    FOA's Eqn. 5 (arXiv 2404.01650), MGTTA's Eqn. 6. Standard deviations are unbiased, so b must be 2 or more; a column
    without spread contributes no gradient.
    """
    std, mean = torch.std_mean(features.flatten(1), dim=0)
    return (std - statistics.std).square().sum() + (mean - statistics.mean).square().sum()


def entropy_loss(output: Output) -> tuple[Tensor, Mapping[str, Tensor]]:
    """Mean entropy: Tent's loss (arXiv 2006.10726, Eqn. 1)."""
    loss = entropy(output.logits).mean()
    return loss, {"entropy": loss}


def aligned_entropy(statistics: SourceStatistics, discrepancy_weight: float) -> Loss:
    """MGTTA's loss (arXiv 2412.16901, Eqn. 6), as the authors' code computes it.

    Mean entropy plus weight / 64 times the discrepancy. The 64 is a constant, whatever the window: it makes the weight
    comparable with FOA's, whose loss sums over a batch of 64.

    Args:
        statistics: of the source model on clean pictures.
        discrepancy_weight: lambda, 0 or more.

    Raises:
        ValueError: if the weight is negative, infinite or NaN.
    """
    if not 0 <= discrepancy_weight < float("inf"):
        raise ValueError(f"the discrepancy's weight is expected to be 0 or more; got {discrepancy_weight}")

    def loss(output: Output) -> tuple[Tensor, Mapping[str, Tensor]]:
        uncertainty = entropy(output.logits).mean()
        drift = discrepancy(output.features, statistics) * (discrepancy_weight / 64)
        return uncertainty + drift, {"entropy": uncertainty, "discrepancy": drift}

    return loss
