"""FOA's activation shift: class tokens move from their average so far to that of the source (arXiv 2404.01650)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class TokenMean(NamedTuple):
    """Moving average of the windows' mean class tokens behind the final norm."""

    mean: Tensor  # [d]
    any: Tensor  # [] bool, whether there was a window yet

    @classmethod
    def empty(cls, like: Tensor) -> TokenMean:
        """Before the first window; as wide as `like` [d]."""
        return cls(torch.zeros_like(like), torch.zeros((), dtype=torch.bool, device=like.device))

    def after(self, window: Tensor) -> TokenMean:
        """With one more window's mean [d]: 0.9 of the old, 0.1 of the new (Eqn. 8)."""
        return TokenMean(0.9 * self.mean + 0.1 * window if self.any else window, torch.ones_like(self.any))


def shift(average: TokenMean, target: Tensor) -> Tensor:
    """The shift [d] from the average so far to the source's mean `target` [d] (Eqn. 9); 0 before the first window."""
    return target - average.mean if average.any else torch.zeros_like(target)
