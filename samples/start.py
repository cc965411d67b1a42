"""Initialize training: random weights with structure that training would otherwise have to find first.

Trockman and Kolter, "Mimetic Initialization of Self-Attention Layers", arXiv 2305.09828, section 4: queries and keys
start out alike, so that tokens attend to tokens like themselves; values and projection start out opposed; positions
start as two-dimensional sine waves. Nothing comes from trained weights.

Notation: d width, h heads, k = d / h width of a head, t tokens along one side.
"""

import math

import torch
from timm.layers.attention import Attention
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

QUERY_KEY = (0.7, 0.7)  # strength of the random part and of the identity
VALUE_PROJECTION = (0.4, 0.4)


@torch.no_grad()
def initialize(model: VisionTransformer, generator: torch.Generator) -> None:
    """Overwrite positions and attention weights in place."""
    position = model.pos_embed
    assert position is not None
    side = math.isqrt(position.shape[1] - 1)
    position[:, 1:] = 0.5 * sine_positions(side, position.shape[2])
    for attention in model.modules():
        if not isinstance(attention, Attention):
            continue
        d, heads = attention.qkv.in_features, attention.num_heads
        k = d // heads
        queries, keys, values = attention.qkv.weight.split(d)
        for head in range(heads):
            rows = slice(head * k, (head + 1) * k)
            left, right = _factors(_target(d, k, QUERY_KEY, 1.0, generator), k)
            queries[rows], keys[rows] = left.T, right.T
        left, right = _factors(_target(d, d, VALUE_PROJECTION, -1.0, generator), d)
        values.copy_(left.T)
        attention.proj.weight.copy_(right)


def sine_positions(side: int, width: int) -> Tensor:
    """Sines and cosines of row and column at `width` / 4 frequencies, `[side * side, width]`, in -1..1."""
    frequency = 10_000 ** -torch.linspace(0, 1, width // 4)
    place = torch.arange(side)[:, None] * frequency
    wave = torch.cat([place.sin(), place.cos()], 1)
    rows, columns = wave.repeat_interleave(side, 0), wave.repeat(side, 1)
    return torch.cat([rows, columns], 1)


def _target(d: int, k: int, strength: tuple[float, float], sign: float, generator: torch.Generator) -> Tensor:
    """The target product of the two matrices, `[d, d]`."""
    noise = torch.randn(d, d, generator=generator) / math.sqrt(k)
    return strength[0] * noise + sign * strength[1] * torch.eye(d)


def _factors(product: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Two matrices, `[d, rank]` each, such that the first times the second transposed is near the product."""
    u, s, vh = torch.linalg.svd(product)
    root = s[:rank].sqrt()
    return u[:, :rank] * root, vh[:rank].T * root
