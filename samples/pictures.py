"""Read labeled pictures in the ImageNet layout into memory."""

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def load_pictures(folder: Path) -> tuple[Tensor, Tensor, list[str]]:
    """Pictures, uint8 `[n, 3, h, w]`, labels, `[n]`, and the sorted class names of the folder's sub-folders."""
    classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    files = [(file, index) for index, name in enumerate(classes) for file in sorted((folder / name).glob("*.jpg"))]
    if not files:
        raise ValueError(f"expected class folders with .jpg files in {folder}; found none; run samples.render first")
    first = _read(files[0][0])
    pictures = np.empty((len(files), 3, *first.shape[:2]), np.uint8)
    for row, (file, _) in enumerate(files):
        pictures[row] = _read(file).transpose(2, 0, 1)
    return torch.from_numpy(pictures), torch.tensor([index for _, index in files]), classes


def _read(file: Path) -> NDArray[np.uint8]:
    picture = cv2.imread(str(file), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        raise ValueError(f"expected a readable picture; {file} is broken; delete it and render again")
    return picture.astype(np.uint8, copy=False)
