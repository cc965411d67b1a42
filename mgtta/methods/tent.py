"""Tent: fully test-time adaptation by entropy minimization (arXiv 2006.10726).

Minimizes the mean entropy of a window (Eqn. 1) over the norm layers' weights and biases. For a ViT, SGD with rate
0.001 and momentum 0.9, as FOA and MGTTA ran it. No departures.
"""

from __future__ import annotations

from mgtta import transforms
from mgtta.adapter import Adapter, stateless
from mgtta.losses import entropy_loss
from mgtta_models import Classifier


def tent(backbone: Classifier, lr: float = 1e-3, momentum: float = 0.9) -> Adapter:
    """Entropy minimization.

    Args:
        backbone: the source model.
        lr: learning rate.
        momentum: of SGD, in [0, 1).

    Raises:
        ValueError: if a number is out of its range.
    """
    return Adapter(backbone, stateless(entropy_loss, recordable=True), transforms.sgd(momentum), lr)
