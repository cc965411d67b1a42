"""The 19 ImageNet-C corruptions, for pictures and for video.

Names and schedules are imported at once; modules that handle pixels are imported on first use, so that the command
line can list the names without loading OpenCV.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mgtta_cam.corruptions.names import STANDARD, VALIDATION
from mgtta_cam.corruptions.schedule import Schedule, parse_corruption
from mgtta_models.deferred import deferred

if TYPE_CHECKING:
    from mgtta_cam.corruptions.live import Corruptor, corrupt_frame
    from mgtta_cam.corruptions.picture import corrupt, warm_up
    from mgtta_cam.corruptions.table import CORRUPTIONS

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
