"""MGTTA: Learning to Generate Gradients for Test-Time Adaptation via Test-Time Training Layers (arXiv 2412.16901).

Minimizes entropy plus feature discrepancy (Eqn. 6) over the norm layers; the generator of Eqns. 1-4 turns each gradient
into the update (Eqn. 5, Algorithm 1). Departures are those of the authors' code, told in `mgtta/generator.py` and
`mgtta/losses.py`; the rate is the paper's 0.001, where their program's default is 0.005. One of our own: a window of
one picture has no spread, so it is answered but teaches nothing (theirs turns every number into NaN).
"""

from __future__ import annotations

from mgtta.adapter import Adapter, memoryless
from mgtta.generator import MetaGradientGenerator, meta_gradient
from mgtta.losses import aligned_entropy
from mgtta.statistics import SourceStatistics
from mgtta.transforms import settling
from mgtta_models import Backbone


def mgtta(
    backbone: Backbone,
    generator: MetaGradientGenerator,
    statistics: SourceStatistics,
    lr: float = 1e-3,
    discrepancy_weight: float = 0.4,
    boost: float = 1.0,
) -> Adapter:
    """Entropy plus feature discrepancy, minimized with generated gradients.

    Args:
        backbone: the source model.
        generator: pre-trained; it is not changed.
        statistics: of the same source model on clean pictures.
        lr: what a generated gradient in (-1, 1) is multiplied by: no scalar moves farther in a step.
        discrepancy_weight: lambda; 0.4 in the paper.
        boost: of the first step, of which `transforms.settling` tells; 1 in the paper.

    Raises:
        ModelError: if the statistics are another model's.
    """
    loss = aligned_entropy(statistics.on(backbone), discrepancy_weight)
    transform = settling(meta_gradient(generator.to(backbone.device)), boost)
    return Adapter(backbone, memoryless(loss, recordable=True), transform, lr, smallest=2)
