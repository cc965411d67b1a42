"""MGTTA with an LSTM in the place of its gradient memory layer (arXiv 2412.16901, Table 4, "replace GML with LSTM").

Loss, rate and scope are MGTTA's; the generator is `mgtta.recurrent`, with a pre-training of its own.
"""

from __future__ import annotations

from mgtta.adapter import Adapter, memoryless
from mgtta.losses import aligned_entropy
from mgtta.recurrent import RecurrentGenerator, recurrent_gradient
from mgtta.statistics import SourceStatistics
from mgtta.transforms import settling
from mgtta_models import Backbone


def mgtta_lstm(
    backbone: Backbone,
    lstm: RecurrentGenerator,
    statistics: SourceStatistics,
    lr: float = 1e-3,
    discrepancy_weight: float = 0.4,
    boost: float = 1.0,
) -> Adapter:
    """Entropy plus feature discrepancy, minimized with gradients that an LSTM generates.

    Args:
        backbone: the source model.
        lstm: pre-trained; it is not changed.
        statistics: of the same source model on clean pictures.
        lr: what a generated gradient in (-1, 1) is multiplied by.
        discrepancy_weight: lambda.
        boost: of the first step, of which `transforms.settling` tells; 1 in the paper.

    Raises:
        ModelError: if the statistics are another model's.
    """
    loss = aligned_entropy(statistics.on(backbone), discrepancy_weight)
    transform = settling(recurrent_gradient(lstm.to(backbone.device)), boost)
    return Adapter(backbone, memoryless(loss, recordable=True), transform, lr, smallest=2)
