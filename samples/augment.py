"""Batched training transforms: crop, flip and color jitter on uint8 pictures, and the fixed one of evaluation.

Notation: b batch, h and w the stored size, s the model's input size. Deliberately mild: no noise, no blur, no weather,
so that the corruptions stay unseen.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

MEAN = STD = (0.5, 0.5, 0.5)


def normalized(pictures: Tensor) -> Tensor:
    """Uint8 or 0..255 float pictures, `[b, 3, s, s]`, as the model's input in -1..1."""
    mean, std = (torch.tensor(value).view(3, 1, 1) for value in (MEAN, STD))
    return (pictures.float() / 255 - mean) / std


def centered(pictures: Tensor, size: int) -> Tensor:
    """Resize the short side to `size` (bicubic, antialiased), crop the center: `[b, 3, h, w]` to `[b, 3, s, s]`."""
    height, width = pictures.shape[-2:]
    scale = size / min(height, width)
    shape = (round(height * scale), round(width * scale))
    resized = functional.interpolate(pictures.float(), shape, mode="bicubic", antialias=True, align_corners=False)
    top, left = (shape[0] - size) // 2, (shape[1] - size) // 2
    return normalized(resized.round().clamp(0, 255)[..., top : top + size, left : left + size])


def augmented(pictures: Tensor, size: int, generator: torch.Generator, area: float = 0.55) -> Tensor:
    """Random crop of at least `area` of the square, flip and color jitter: uint8 `[b, 3, h, h]` to `[b, 3, s, s]`."""
    b = len(pictures)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(b, *shape, generator=generator)

    share = uniform(area, 1.0).sqrt()
    stretch = uniform(-0.12, 0.12).exp()
    x, y = (share * stretch).clamp(max=1), (share / stretch).clamp(max=1)
    flip = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    zero = torch.zeros(b)
    rows = [
        torch.stack([x * flip, zero, (1 - x) * uniform(-1, 1)], 1),
        torch.stack([zero, y, (1 - y) * uniform(-1, 1)], 1),
    ]
    grid = functional.affine_grid(torch.stack(rows, 1), [b, 3, size, size], align_corners=False)
    crop = functional.grid_sample(pictures.float(), grid, padding_mode="border", align_corners=False)
    return normalized(_jittered(crop, uniform).clamp_(0, 255))


def _jittered(pictures: Tensor, uniform: Callable[..., Tensor]) -> Tensor:
    """Brightness, contrast and saturation, each by up to a third."""
    gray = (pictures * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1, keepdim=True)
    saturation, contrast, brightness = (uniform(0.67, 1.33, 1, 1, 1) for _ in range(3))
    pictures = gray + (pictures - gray) * saturation
    mean = gray.mean((2, 3), keepdim=True)
    return (mean + (pictures - mean) * contrast) * brightness
