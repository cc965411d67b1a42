"""How far a corruption with the reference's draws may be from its goldens, and the check of a picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

EXACT = (0, 0.0)
TOLERANCES = {  # largest difference in levels, largest share of values that differ
    "gaussian_noise": EXACT,
    "shot_noise": EXACT,
    "impulse_noise": EXACT,
    "speckle_noise": EXACT,
    "contrast": EXACT,
    "jpeg_compression": EXACT,
    "pixelate": EXACT,
    "frost": EXACT,
    "brightness": EXACT,
    "saturate": EXACT,
    "glass_blur": (1, 0.001),
    "defocus_blur": (1, 0.005),
    "gaussian_blur": (1, 0.005),
    "zoom_blur": (1, 0.005),
    "motion_blur": (1, 0.005),
    "fog": (1, 0.005),
    "snow": (1, 0.01),
    "spatter": (1, 0.005),
    # OpenCV 3.4 made these goldens and rounds positions to 1/32 pixel; 4 does so too, but elsewhere.
    "elastic_transform": (3 if cv2.__version__ >= "5" else 5, 0.20),
}
OPENCV_5_ELASTIC = (1, 0.01)


def differences(out: NDArray[np.uint8], expected: NDArray[np.uint8]) -> tuple[int, float]:
    """Largest difference in levels, and the share of values that differ."""
    difference = np.abs(out.astype(int) - expected.astype(int))
    return int(difference.max()), float((difference > 0).mean())


def within(out: NDArray[np.uint8], expected: NDArray[np.uint8], tolerance: tuple[int, float]) -> bool:
    """Whether both differences are inside the tolerance."""
    largest, share = differences(out, expected)
    return largest <= tolerance[0] and share <= tolerance[1]


def opencv_major() -> int:
    """The OpenCV in use: 4 or 5."""
    return int(cv2.__version__.split(".")[0])
