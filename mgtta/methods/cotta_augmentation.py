"""CoTTA's augmentation of a window of pictures (arXiv 2203.13591, appendix), one draw for the whole window."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode, functional

from mgtta_models import Preprocess

SMALLEST = 1e-8  # so that gamma has a derivative at black


def augmented(x: Tensor, preprocess: Preprocess, draw: torch.Generator, as_normalized: bool = False) -> Tensor:
    """[b, 3, h, w] normalized pictures -> the same under other light, moved, blurred, mirrored and noisy.

    Args:
        x: the model's input.
        preprocess: how pictures in 0..1 become such input.
        draw: where randomness comes from.
        as_normalized: take the input itself as if it were in 0..1, as FOA and MGTTA do; its darker half is lost.
    """
    if as_normalized:
        return _altered(x, draw)
    mean, std = (torch.tensor(v, device=x.device).view(3, 1, 1) for v in (preprocess.mean, preprocess.std))
    return (_altered(x * std + mean, draw) - mean) / std


def _altered(x: Tensor, draw: torch.Generator) -> Tensor:
    def uniform(low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=draw).item()

    x = x.clamp(0, 1)
    light = [
        (functional.adjust_brightness, uniform(0.6, 1.4)),
        (functional.adjust_contrast, uniform(0.7, 1.3)),
        (functional.adjust_saturation, uniform(0.5, 1.5)),
        (functional.adjust_hue, uniform(-0.06, 0.06)),
        (functional.adjust_gamma, uniform(0.7, 1.3)),
    ]
    for i in torch.randperm(len(light), generator=draw).tolist():
        change, amount = light[i]
        x = change(x.clamp(SMALLEST, 1), amount)
    h, w = x.shape[-2:]
    x = functional.pad(x, [w // 2, h // 2], padding_mode="edge")
    angle, zoom = uniform(-15, 15), uniform(0.9, 1.1)
    move = [round(uniform(-side, side)) for side in (x.shape[-1] / 16, x.shape[-2] / 16)]
    x = functional.affine(x, angle, move, zoom, [0.0, 0.0], InterpolationMode.BILINEAR)
    x = functional.gaussian_blur(x, [5, 5], [uniform(0.001, 0.5)] * 2)
    x = functional.center_crop(x, [h, w])
    if torch.rand((), generator=draw) < 0.5:
        x = x.flip(-1)
    noise = torch.randn(x.shape, generator=draw).to(x)
    return (x + 0.005 * noise).clamp(0, 1)
