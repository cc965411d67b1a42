"""Pixels -> tensor. Mean, std, size and interpolation belong to the weights."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mgtta_models.errors import ModelError

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
VECTORIZED = ("bilinear", "bicubic")


@dataclass(frozen=True, slots=True)
class Preprocess:
    """Shorter side to `size / crop_pct` with an antialiasing filter, center crop of `size`, normalize.

    The same as torchvision's Resize, CenterCrop, ToTensor, Normalize on a PIL picture, up to one level of 255: the
    usual filters are torch's, which are Pillow's in vector instructions.
    """

    size: int = 224  # pixels, square
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)  # of values in 0..1
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    interpolation: str = "bicubic"
    crop_pct: float = 0.9  # 0..1, share of the shorter side that the crop keeps

    def __post_init__(self) -> None:
        if self.size < 1 or not 0 < self.crop_pct <= 1 or min(self.std) <= 0:
            raise ModelError(f"preprocessing expects size >= 1, 0 < crop_pct <= 1 and std > 0; got {self}")
        if self.interpolation not in FILTERS:
            raise ModelError(f"interpolation is one of {', '.join(FILTERS)}; got {self.interpolation!r}")

    @classmethod
    def of(cls, vit: nn.Module) -> Preprocess:
        """What the model's pretrained configuration says, for its own input size."""
        from timm.data import resolve_data_config  # pyright: ignore[reportPrivateImportUsage]  takes seconds

        config = resolve_data_config({}, model=vit)
        size = getattr(vit.get_submodule("patch_embed"), "img_size", None)
        return cls().changed(
            size=size[0] if size else config["input_size"][-1],
            mean=config["mean"],
            std=config["std"],
            interpolation=config["interpolation"],
            crop_pct=config["crop_pct"],
        )

    def changed(self, **values: Any) -> Preprocess:
        """A copy with other values; None leaves a value as it is."""
        given = {key: value for key, value in values.items() if value is not None}
        for key in {"mean", "std"} & given.keys():
            if len(given[key]) != 3:
                raise ModelError(f"{key} expects three numbers, one a channel; got {given[key]}")
            given[key] = tuple(map(float, given[key]))
        return replace(self, **given)

    def crop(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """uint8 [h, w, 3] RGB -> uint8 [size, size, 3]; a picture of just that size is taken as a crop already."""
        height, width = image.shape[:2]
        if (height, width) == (self.size, self.size):
            return image
        short = math.floor(self.size / self.crop_pct)
        resized = [int(short * side / min(height, width)) for side in (height, width)]
        top, left = (round((side - self.size) / 2) for side in resized)
        if self.interpolation in VECTORIZED:
            pixels = torch.from_numpy(np.require(image, requirements=("C", "W"))).permute(2, 0, 1).unsqueeze(0)
            whole = (
                interpolate(pixels, size=resized, mode=self.interpolation, antialias=True)[0].permute(1, 2, 0).numpy()
            )
        else:
            whole = np.asarray(Image.fromarray(image).resize(resized[::-1], FILTERS[self.interpolation]))
        return np.ascontiguousarray(whole[top : top + self.size, left : left + self.size])

    def tensor(self, crop: NDArray[np.uint8]) -> Tensor:
        """uint8 [h, w, 3] -> float32 [3, h, w], normalized."""
        pixels = torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1))).float().div_(255)
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in (self.mean, self.std))
        return pixels.sub_(mean).div_(std)

    def __call__(self, image: NDArray[np.uint8]) -> Tensor:
        """uint8 [h, w, 3] RGB -> float32 [3, size, size]."""
        return self.tensor(self.crop(image))
