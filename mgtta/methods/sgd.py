"""MGTTA without its generator (arXiv 2412.16901, Table 4, "remove MGG"): plain gradient descent on the same loss.

The paper does not give the rate; 0.005 is the default of the authors' program. No momentum. No departures.
"""

from __future__ import annotations

from mgtta import transforms
from mgtta.adapter import Adapter, memoryless
from mgtta.losses import aligned_entropy
from mgtta.statistics import SourceStatistics
from mgtta_models import Backbone


def sgd(
    backbone: Backbone,
    statistics: SourceStatistics,
    lr: float = 5e-3,
    discrepancy_weight: float = 0.4,
    boost: float = 1.0,
) -> Adapter:
    """Gradient descent on entropy plus feature discrepancy.

    Args:
        backbone: the source model.
        statistics: of the same source model on clean pictures.
        lr: learning rate.
        discrepancy_weight: lambda.
        boost: of the first step, of which `transforms.settling` tells: so that MGTTA's can be compared with.

    Raises:
        ModelError: if the statistics are another model's.
    """
    loss = aligned_entropy(statistics.on(backbone), discrepancy_weight)
    objective = memoryless(loss, recordable=True)
    return Adapter(backbone, objective, transforms.settling(transforms.sgd(), boost), lr, smallest=2)
