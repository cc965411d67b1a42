"""MGTTA without its generator (arXiv 2412.16901, Table 4, "remove MGG"): plain gradient descent on the same loss.

The paper does not give the rate; 0.005 is the default of the authors' program. No momentum. No departures.
"""

from __future__ import annotations

from mgtta import transforms
from mgtta.adapter import Adapter, stateless
from mgtta.losses import aligned_entropy
from mgtta.statistics import SourceStatistics
from mgtta_models import Classifier


def sgd(
    backbone: Classifier,
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
        boost: factor of the first step, as MGTTA has it, so that both can be compared.

    Raises:
        ModelError: if the statistics are another model's.
    """
    loss = aligned_entropy(statistics.on(backbone), discrepancy_weight)
    objective = stateless(loss, recordable=True)
    return Adapter(backbone, objective, transforms.settling(transforms.sgd(), boost), lr, smallest=2)
