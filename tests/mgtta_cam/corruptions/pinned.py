"""Pinned pixels of all corruptions, for use without the reference's goldens, and the program that writes them.

They are this project's own, written when it agreed with the goldens: `python -m tests.mgtta_cam.corruptions.pinned`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mgtta_cam.corruptions import CORRUPTIONS, corrupt
from mgtta_cam.corruptions.frost import ORIGINALS

FILE = Path(__file__).with_name("pinned.npz")
SEVERITIES = (1, 2, 3, 4, 5)
SEED = 0


def picture() -> NDArray[np.uint8]:
    """Ramps, discs, a flat patch, a fine checkerboard and a little noise, uint8 [224, 224, 3]; integers throughout."""
    y, x = np.mgrid[:224, :224]
    red = (x * 255 // 223 + y // 4) % 256
    green = np.where((x - 90) ** 2 + (y - 120) ** 2 < 60**2, 230, y * 200 // 223)
    blue = np.where((x // 3 + y // 3) % 2 == 0, 60, 160)
    image = np.stack([red, green, blue], axis=-1)
    image[20:70, 130:210] = (252, 128, 128)
    image[150:, 150:] += np.random.RandomState(7).randint(-20, 21, size=(74, 74, 3))
    return np.clip(image, 0, 255).astype(np.uint8)


def ice_folder(folder: Path) -> Path:
    """Five pictures under the names of the reference's frost files (all are PNG inside), in `folder`."""
    for number, name in enumerate(ORIGINALS):
        y, x = np.mgrid[:300, : 320 + 10 * number]
        levels = np.stack([(x * (number + 1)) % 256, (y * 3) % 256, (x + y) % 256], axis=-1).astype(np.uint8)
        (folder / name).write_bytes(cv2.imencode(".png", levels)[1].tobytes())
    return folder


def sample(name: str, severity: int, frost_dir: Path) -> NDArray[np.uint8]:
    """Every 13th pixel of the corrupted picture, uint8 [17, 17, 3]."""
    out = corrupt(picture(), name, severity, np.random.RandomState(SEED), frost_dir=frost_dir)
    return out[3::13, 5::13]


def main() -> None:
    """Rewrite the file."""
    with tempfile.TemporaryDirectory() as folder:
        ice = ice_folder(Path(folder))
        samples = {
            f"{name}_s{severity}": sample(name, severity, ice) for name in CORRUPTIONS for severity in SEVERITIES
        }
    np.savez_compressed(FILE, **samples)  # pyright: ignore[reportArgumentType]


if __name__ == "__main__":
    main()
