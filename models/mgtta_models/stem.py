"""A convolutional stem in the place of a ViT's patch embedding: small models learn with far fewer pictures.

Xiao et al., "Early Convolutions Help Transformers See Better" (arXiv 2106.14881). Departure: a normalization layer
stands before each convolution, the picture's included, and not behind it, so that the convolution reads normalized
channels as the layers of the transformer do, and so that test-time adaptation can correct the channels where noise and
blur first show.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from torch import Tensor, nn


class ConvolutionalStem(nn.Module):
    """Convolutions of stride 2 down to one token a patch; an `embed_layer` for timm's VisionTransformer.

    Args:
        img_size: pixels, square.
        patch_size: pixels a token, a power of 2.
        in_chans: of the input.
        embed_dim: width d of a token.
    """

    def __init__(self, img_size: int, patch_size: int, in_chans: int = 3, embed_dim: int = 192, **_: Any) -> None:
        super().__init__()
        steps = int(math.log2(patch_size))
        if 2**steps != patch_size or img_size % patch_size:
            raise ValueError(f"expected a patch size that is a power of 2 and divides {img_size}; got {patch_size}")
        widths = [in_chans, *(embed_dim >> (steps - 1 - step) for step in range(steps))]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.BatchNorm2d(before), nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GELU()]
        self.layers = nn.Sequential(*layers, nn.BatchNorm2d(embed_dim), nn.Conv2d(embed_dim, embed_dim, 1))
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
        side = img_size // patch_size
        self.img_size, self.patch_size, self.grid_size = (img_size,) * 2, (patch_size,) * 2, (side, side)
        self.num_patches = side * side

    def forward(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> tokens [b, h * w / patch**2, d]."""
        return self.layers(x).flatten(2).transpose(1, 2)
