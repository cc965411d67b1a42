"""The 19 ImageNet-C corruptions, for pictures and for video.

Names and schedules come at once; what handles pixels is imported at its first use, so that the command line can list
the names without waiting for OpenCV.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.corruptions.names import STANDARD, VALIDATION
from app.corruptions.schedule import Schedule, parse_corruption
from models.deferred import deferred

if TYPE_CHECKING:
    from app.corruptions.live import Corruptor, corrupt_frame
    from app.corruptions.picture import corrupt, warm_up
    from app.corruptions.table import CORRUPTIONS

__all__ = [
    "CORRUPTIONS",
    "STANDARD",
    "VALIDATION",
    "Corruptor",
    "Schedule",
    "corrupt",
    "corrupt_frame",
    "parse_corruption",
    "warm_up",
]
__getattr__ = deferred(
    __name__,
    {
        "CORRUPTIONS": "table",
        "Corruptor": "live",
        "corrupt": "picture",
        "corrupt_frame": "live",
        "warm_up": "picture",
    },
)
