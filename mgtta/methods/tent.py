"""Tent: fully test-time adaptation by entropy minimization (arXiv 2006.10726).

Minimizes the mean entropy of a window (Eqn. 1) over the norm layers' weights and biases. For a ViT, SGD with rate
0.001 and momentum 0.9, as FOA and MGTTA ran it. No departures.
"""

from __future__ import annotations

from mgtta import transforms
from mgtta.adapter import Adapter, memoryless
from mgtta.losses import entropy_loss
from mgtta_models import Backbone


def tent(backbone: Backbone, lr: float = 1e-3, momentum: float = 0.9) -> Adapter:
    """Entropy minimization."""
    return Adapter(backbone, memoryless(entropy_loss, recordable=True), transforms.sgd(momentum), lr)
