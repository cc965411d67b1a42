"""No adaptation: the source model as it is, which every table compares with."""

from __future__ import annotations

from mgtta.frozen import Frozen
from mgtta_models import Classifier


def none(backbone: Classifier) -> Frozen:
    """The source model."""
    return Frozen(backbone)
