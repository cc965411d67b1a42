"""The 19 ImageNet-C corruptions, for pictures and for video."""

from app.corruptions.corrupt import corrupt, warm_up
from app.corruptions.names import STANDARD, VALIDATION
from app.corruptions.setting import Corruption, Draws, Scale
from app.corruptions.table import CORRUPTIONS

__all__ = ["CORRUPTIONS", "STANDARD", "VALIDATION", "Corruption", "Draws", "Scale", "corrupt", "warm_up"]
