"""Folders of small labeled pictures for the bench."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tests.mgtta_cam.tiny import CLASSES


def write_pictures(root: Path, each: int = 4, side: int = 40) -> Path:
    """Noise in folders named by the tiny model's classes, a folder of no class, and a file that is no picture."""
    rng = np.random.default_rng(0)
    for name in (*CLASSES, "unicorn"):
        (root / name).mkdir(parents=True)
        for i in range(each):
            cv2.imwrite(str(root / name / f"{i}.png"), rng.integers(0, 256, (side, side, 3), dtype=np.uint8))
    (root / CLASSES[0] / "broken.png").write_bytes(b"no picture")
    return root
