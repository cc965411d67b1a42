"""The plain Vision Transformer of the embedded model: timm's, tensor for tensor, where importing timm takes too long.

Dosovitskiy et al., "An Image is Worth 16x16 Words" (arXiv 2010.11929), with timm's names of tensors and timm's order of
operations, so that weights go both ways and a test compares the two. `import timm` brings all of its models,
torchvision, torch's compiler and sympy: twice the time that torch itself takes, before the first frame.

Notation: b batch, t tokens, d width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, scaled_dot_product_attention

ARGUMENTS = frozenset({"img_size", "patch_size", "embed_dim", "depth", "num_heads", "num_classes"})


class PatchEmbed(nn.Module):
    """One convolution: a square picture -> one token a patch."""

    def __init__(self, img_size: int, patch_size: int, embed_dim: int) -> None:
        super().__init__()
        self.patch_size = (patch_size, patch_size)
        self.set_input_size((img_size, img_size))
        self.proj = nn.Conv2d(3, embed_dim, patch_size, patch_size)

    def set_input_size(self, img_size: tuple[int, int]) -> None:
        """Takes pictures of another size."""
        self.img_size = img_size
        self.grid_size = (img_size[0] // self.patch_size[0], img_size[1] // self.patch_size[1])
        self.num_patches = self.grid_size[0] * self.grid_size[1]

    def forward(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, h * w / patch**2, d]."""
        return self.proj(x).flatten(2).transpose(1, 2)


class Attention(nn.Module):
    """Self-attention of several heads; `fused_attn` chooses torch's kernel, or else plain products."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads, self.head_dim = num_heads, dim // num_heads
        self.scale = self.head_dim**-0.5
        self.fused_attn = True
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """[b, t, d] -> [b, t, d]."""
        b, t, d = x.shape
        q, k, v = self.qkv(x).reshape(b, t, 3, self.num_heads, self.head_dim).permute(2, 0, 3, 1, 4).unbind(0)
        if self.fused_attn:
            mixed = scaled_dot_product_attention(q, k, v)
        else:
            mixed = (q * self.scale @ k.transpose(-2, -1)).softmax(dim=-1) @ v
        return self.proj(mixed.transpose(1, 2).reshape(b, t, d))


class Mlp(nn.Module):
    """Two layers with a GELU between them."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """[b, t, d] -> [b, t, d]."""
        return self.fc2(self.act(self.fc1(x)))


class Block(nn.Module):
    """Attention, then the MLP, each behind its norm and beside a shortcut."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, num_heads)
        self.ls1 = nn.Identity()
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim, 4 * dim)
        self.ls2 = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """[b, t, d] -> [b, t, d]."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """Made to be filled with weights: positions and class token have no values until then.

    Args:
        img_size: pixels, square.
        patch_size: pixels a token.
        embed_dim: width d.
        depth: count of blocks.
        num_heads: of the attention.
        num_classes: of the head.
        embed_layer: what turns a picture into tokens.
    """

    global_pool = "token"
    num_prefix_tokens = 1
    attn_pool = None

    def __init__(
        self,
        *,
        img_size: int = 224,
        patch_size: int = 16,
        embed_dim: int = 768,
        depth: int = 12,
        num_heads: int = 12,
        num_classes: int = 1000,
        embed_layer: Callable[..., Any] = PatchEmbed,
    ) -> None:
        super().__init__()
        self.num_classes, self.embed_dim = num_classes, embed_dim
        self.patch_embed = embed_layer(img_size=img_size, patch_size=patch_size, embed_dim=embed_dim)
        self.cls_token = nn.Parameter(torch.empty(1, 1, embed_dim))
        self.pos_embed = nn.Parameter(torch.empty(1, 1 + self.patch_embed.num_patches, embed_dim))
        self.patch_drop = self.norm_pre = nn.Identity()
        self.blocks = nn.Sequential(*(Block(embed_dim, num_heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(embed_dim, eps=1e-6)
        self.head = nn.Linear(embed_dim, num_classes)

    def set_input_size(self, img_size: tuple[int, int]) -> None:
        """Takes pictures of another size: positions are interpolated."""
        before = self.patch_embed.grid_size
        self.patch_embed.set_input_size(img_size)
        grid, d = self.patch_embed.grid_size, self.embed_dim
        if grid == before:
            return
        first, rest = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        plane = rest.reshape(1, *before, d).permute(0, 3, 1, 2)
        plane = interpolate(plane, size=grid, mode="bicubic", antialias=True)
        rest = plane.permute(0, 2, 3, 1).reshape(1, -1, d)
        self.pos_embed = nn.Parameter(torch.cat([first, rest], dim=1), requires_grad=self.pos_embed.requires_grad)

    def _pos_embed(self, x: Tensor) -> Tensor:
        return torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1) + self.pos_embed

    def forward_head(self, x: Tensor) -> Tensor:
        """[b, t, d] behind the final norm -> logits [b, c], of the class token alone."""
        return self.head(x[:, 0])

    def forward(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> logits [b, c]."""
        tokens = self._pos_embed(self.patch_embed(x))
        return self.forward_head(self.norm(self.blocks(tokens)))
