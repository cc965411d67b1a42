"""The 19 ImageNet-C corruptions, for pictures and for video.

Names and schedules come at once; what handles pixels is imported at its first use, so that the command line can list
the names without waiting for OpenCV.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from app.corruptions.names import STANDARD, VALIDATION
from app.corruptions.schedule import Schedule, parse_corruption

if TYPE_CHECKING:
    from app.corruptions.live import Corruptor, corrupt_stage
    from app.corruptions.picture import corrupt, warm_up
    from app.corruptions.table import CORRUPTIONS

__all__ = [
    "CORRUPTIONS",
    "STANDARD",
    "VALIDATION",
    "Corruptor",
    "Schedule",
    "corrupt",
    "corrupt_stage",
    "parse_corruption",
    "warm_up",
]

_HOMES = {
    "CORRUPTIONS": "table",
    "Corruptor": "live",
    "corrupt": "picture",
    "corrupt_stage": "live",
    "warm_up": "picture",
}


def __getattr__(name: str) -> Any:
    """Import a name that handles pixels when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
