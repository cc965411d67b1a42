"""FOA-BP: the variant of FOA (arXiv 2404.01650, Table 6) that adapts by back-propagation instead of forward passes.

Entropy plus 30 times the feature discrepancy, averaged over columns, over all norm layers with SGD (0.005, momentum
0.9). As in FOA, answers are shifted: the class token moves from the average of the windows before to the source mean
(Eqn. 9). No departures.
"""

from __future__ import annotations

from torch import Tensor

from mgtta import transforms
from mgtta.adapter import Adapter, Evaluation, Objective
from mgtta.losses import aligned_entropy
from mgtta.methods.foa_shift import TokenMean, shift
from mgtta.statistics import SourceStatistics
from mgtta_models import Classifier, Output


def foa_bp(
    backbone: Classifier,
    statistics: SourceStatistics,
    lr: float = 5e-3,
    momentum: float = 0.9,
    discrepancy_weight: float = 30.0,
) -> Adapter:
    """Entropy plus feature discrepancy by gradient descent, with shifted answers.

    Args:
        backbone: the source model.
        statistics: of the same source model on clean pictures.
        lr: learning rate.
        momentum: of SGD.
        discrepancy_weight: of the mean over columns; 20 for ImageNet-R in the authors' code.

    Raises:
        ModelError: if the statistics are another model's.
    """
    statistics = statistics.on(backbone)
    loss = aligned_entropy(statistics, 64 * discrepancy_weight / len(statistics.mean))
    target = statistics.mean[-backbone.width :]

    def evaluate(_: Tensor, output: Output, state: TokenMean) -> Evaluation:
        total, terms = loss(output)
        token = output.features[:, -1].detach().mean(dim=0)
        return Evaluation(total, terms, state.after(token))

    def answer(output: Output, state: TokenMean) -> Tensor:
        return backbone.classify(output.features[:, -1] + shift(state, target))

    objective = Objective(lambda: TokenMean.empty(target), evaluate, answer)
    return Adapter(backbone, objective, transforms.sgd(momentum), lr, smallest=2)
