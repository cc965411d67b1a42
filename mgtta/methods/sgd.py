"""MGTTA without its generator (arXiv 2412.16901, Table 4, "remove MGG"): plain gradient descent on the same loss.

The paper does not give the rate; 0.005 is the default of the authors' program. No momentum. No departures.
"""

from __future__ import annotations

from mgtta import transforms
from mgtta.adapter import Adapter
from mgtta.losses import aligned_entropy
from mgtta.statistics import SourceStatistics
from models import Backbone


def sgd(backbone: Backbone, statistics: SourceStatistics, lr: float = 5e-3, discrepancy_weight: float = 0.4) -> Adapter:
    """Gradient descent on entropy plus feature discrepancy.

    Raises:
        ModelError: if the statistics are another model's.
    """
    statistics.fits(backbone)
    loss = aligned_entropy(statistics.to(backbone.device), discrepancy_weight)
    return Adapter(backbone, loss, transforms.sgd(), lr, smallest=2)
