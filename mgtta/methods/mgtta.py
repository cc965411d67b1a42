"""MGTTA: Learning to Generate Gradients for Test-Time Adaptation via Test-Time Training Layers (arXiv 2412.16901).

Minimizes entropy plus feature discrepancy (Eqn. 6) over the norm layers; a generator turns each gradient into the
update (Eqn. 5, Algorithm 1): that of Eqns. 1-4, or an LSTM in the place of its gradient memory layer (Table 4, "replace
GML with LSTM"), which has a pre-training of its own. Departures are those of the authors' code, listed in
`mgtta/generator.py` and `mgtta/losses.py`; the rate is the paper's 0.001, where their program's default is 0.005. One
of our own: a window of one picture has no spread, so it is answered and skipped (theirs turns every number into NaN).
"""

from __future__ import annotations

from mgtta.adapter import Adapter, stateless
from mgtta.generator import MetaGradientGenerator
from mgtta.losses import aligned_entropy
from mgtta.recurrent import RecurrentGenerator
from mgtta.statistics import SourceStatistics
from mgtta.transforms import settling
from mgtta_models import Classifier


def mgtta(
    backbone: Classifier,
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
        discrepancy_weight: lambda, 0 or more; 0.4 in the paper.
        boost: factor of the first step, 1 or more, which fades (`transforms.settling`); 1 in the paper.

    Raises:
        ModelError: if the statistics are another model's.
        ValueError: if a number is out of its range.
    """
    return _generated(backbone, generator, statistics, lr, discrepancy_weight, boost)


def mgtta_lstm(
    backbone: Classifier,
    lstm: RecurrentGenerator,
    statistics: SourceStatistics,
    lr: float = 1e-3,
    discrepancy_weight: float = 0.4,
    boost: float = 1.0,
) -> Adapter:
    """MGTTA with an LSTM in the place of its gradient memory layer (arXiv 2412.16901, Table 4).

    Args:
        backbone: the source model.
        lstm: pre-trained; it is not changed.
        statistics: as for `mgtta`.
        lr: as for `mgtta`.
        discrepancy_weight: as for `mgtta`.
        boost: as for `mgtta`.
    """
    return _generated(backbone, lstm, statistics, lr, discrepancy_weight, boost)


def _generated(
    backbone: Classifier,
    generator: MetaGradientGenerator | RecurrentGenerator,
    statistics: SourceStatistics,
    lr: float,
    discrepancy_weight: float,
    boost: float,
) -> Adapter:
    loss = aligned_entropy(statistics.on(backbone), discrepancy_weight)
    transform = settling(generator.to(backbone.device).transform(), boost)
    return Adapter(backbone, stateless(loss, recordable=True), transform, lr, smallest=2)
