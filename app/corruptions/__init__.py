"""The 19 ImageNet-C corruptions, for pictures and for video."""

from app.corruptions.live import Corruptor, corrupt_stage
from app.corruptions.names import STANDARD, VALIDATION
from app.corruptions.picture import corrupt, warm_up
from app.corruptions.schedule import Schedule, parse_corruption
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
