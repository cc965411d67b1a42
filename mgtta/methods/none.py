"""No adaptation: the source model as it is. What every table compares with."""

from __future__ import annotations

from mgtta.frozen import Frozen
from mgtta_models import Backbone


def none(backbone: Backbone) -> Frozen:
    """The source model."""
    return Frozen(backbone)
