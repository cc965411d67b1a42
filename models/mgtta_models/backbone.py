"""A timm Vision Transformer that also answers with its class token after each block."""

from __future__ import annotations

import copy
import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeGuard, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mgtta_models.errors import ModelError
from mgtta_models.labels import Labels
from mgtta_models.precision import LOSS_SCALES, NORMS, lower
from mgtta_models.preprocess import Preprocess
from mgtta_models.types import Engine, Output
from mgtta_models.vit import Block, VisionTransformer

if TYPE_CHECKING:
    from timm.models.vision_transformer import VisionTransformer as TimmVisionTransformer


class Backbone(nn.Module):
    """A `Classifier` around any timm VisionTransformer with a class token (ViT, DeiT, of any size).

    All parameters are frozen and the model is in eval mode; an adaptation method thaws the ones that it adapts. An
    `engine`, if there is one, computes the passes without gradients; only the norms' parameters may change then.

    Args:
        vit: the model, with `global_pool="token"` and pre-norm blocks; it is used as it is, not copied.
        name: for people; by default the architecture's.
        preprocess: from pixels to the model's input; by default as its pretrained configuration says.
        labels: its classes; by default ImageNet's for 1,000 classes, numbers for any other count.

    Raises:
        ModelError: if the model has no class token to read, or blocks other than pre-norm ones.

    Example:
        >>> import timm, torch
        >>> vit = timm.create_model("vit_tiny_patch16_224", num_classes=5)
        >>> backbone = Backbone(vit, name="mine")
        >>> logits, features = backbone(torch.zeros(2, 3, 224, 224))
        >>> list(logits.shape), list(features.shape)
        ([2, 5], [2, 12, 192])
    """

    def __init__(
        self,
        vit: nn.Module,
        *,
        name: str | None = None,
        preprocess: Preprocess | None = None,
        labels: Labels | None = None,
    ) -> None:
        super().__init__()
        vit = _checked(vit)
        self.vit = vit.eval().requires_grad_(False)
        self.engine: Engine | None = None
        self.dtype = torch.float32  # of the products; norms, features and logits are float32 in any case
        self._gather()
        config: dict[str, Any] = getattr(vit, "pretrained_cfg", None) or {}
        self.name = name or config.get("architecture") or type(vit).__name__
        self.preprocess = preprocess or Preprocess.of(vit)
        self.labels = labels or Labels.of_count(vit.num_classes)
        self.kept: Tensor | None  # [c] which classes there are to choose from, if not all
        self.register_buffer("kept", None, persistent=False)
        self.digest = digest(self.vit)
        if len(self.labels.names) != vit.num_classes:
            raise ModelError(
                f"{self.name} answers with {vit.num_classes} classes, but {len(self.labels.names)} class names were "
                "given: use a --labels file with one name a line, in the order of the classes"
            )

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names by index."""
        return self.labels.names

    @property
    def device(self) -> torch.device:
        """Where the weights are; inputs belong there too."""
        return next(self.vit.parameters()).device

    @property
    def depth(self) -> int:
        """Number l of blocks."""
        return len(self.vit.blocks)

    @property
    def width(self) -> int:
        """Number d of features of a token."""
        return self.vit.embed_dim

    @property
    def patch(self) -> tuple[int, int]:
        """Height and width of a token's patch, in pixels."""
        height, width = self.vit.patch_embed.patch_size
        return int(height), int(width)

    @property
    def loss_scales(self) -> tuple[float, ...]:
        """What a loss is multiplied by for the backward pass: powers of two, the largest first; (1.0,) in float32."""
        return LOSS_SCALES.get(self.dtype, (1.0,))

    def lower(self, dtype: torch.dtype) -> None:
        """Switches the products to bfloat16 or float16, in place: `mgtta_models.precision`."""
        lower(self.vit, dtype)
        self.dtype = dtype

    def forward(self, x: Tensor, prompts: Tensor | None = None) -> Output:
        """[b, 3, h, w] normalized pixels -> logits, and the class token after each block.

        Block i's token is read through the first norm of block i + 1, the last one through the final norm: these
        are the features whose means and spreads MGTTA and FOA align (arXiv 2412.16901, as the authors' code does it).

        Args:
            x: the pictures, on the model's device.
            prompts: [p, d] further tokens, put between the class token and the picture's after the positions.
        """
        # An engine (a CUDA graph, ONNX Runtime) computes the same numbers but cannot be differentiated, so it serves
        # exactly the passes that build no graph. This is a choice of who computes, not of what is computed.
        if self.engine is not None and prompts is None and not torch.is_grad_enabled():
            logits, features = self.engine(x, self.norm_vector)
        else:
            logits, features = self._pass(x, prompts)
        return Output(logits if self.kept is None else logits[:, self.kept], features)

    def _pass(self, x: Tensor, prompts: Tensor | None) -> Output:
        vit = self.vit
        tokens: Tensor = vit.patch_drop(vit._pos_embed(vit.patch_embed(x.to(self.dtype))))
        if prompts is not None:
            prefix, rest = tokens.tensor_split([vit.num_prefix_tokens], dim=1)
            tokens = torch.cat((prefix, prompts.to(tokens).expand(len(x), -1, -1), rest), dim=1)
        tokens = vit.norm_pre(tokens)
        blocks = [cast("Block", block) for block in vit.blocks]
        features = []
        for block, following in pairwise(blocks):
            tokens = block(tokens)
            features.append(following.norm1(tokens[:, 0]))
        # the head may read these tokens only
        prefix: Tensor = vit.norm(_first(vit.num_prefix_tokens, blocks[-1], tokens))
        features.append(prefix[:, 0])
        return Output(logits=vit.forward_head(prefix), features=torch.stack([f.float() for f in features], dim=1))

    def classifier(self) -> Tensor:
        """The head's rows [classes, d], one for each of all classes."""
        return self.vit.get_submodule("head").get_parameter("weight").detach()

    def classify(self, z: Tensor, among_all: bool = False) -> Tensor:
        """The head alone: class tokens [b, d] behind the final norm -> logits [b, c], of all classes if asked.

        Raises:
            ModelError: if the head reads more than the class token.
        """
        if hasattr(self.vit, "head_dist"):
            raise ModelError(f"{self.name} has a second head for its distillation token: this method needs one head")
        logits = self.vit.forward_head(z.unsqueeze(1))
        return logits if among_all or self.kept is None else logits[:, self.kept]

    def restrict(self, kept: Sequence[int]) -> None:
        """Keeps only some classes to choose from, as ImageNet-R and -A have 200 of the 1,000; c is their number then.

        Raises:
            ModelError: if an index is no class, or is repeated.
        """
        if not kept or len(set(kept)) < len(kept) or not all(0 <= i < self.vit.num_classes for i in kept):
            raise ModelError(
                f"expected different numbers of classes in 0..{self.vit.num_classes - 1}; got {list(kept)[:5]}"
            )
        self.kept = torch.tensor(kept, device=self.device)
        self.labels = self.labels.subset(kept)

    def twin(self) -> Backbone:
        """A second model that shares every tensor with this one, except copies of the norm layers' parameters.

        The source model beside the adapted one costs a few kilobytes.
        """
        own = {id(p) for _, layer in self.norms() for p in layer.parameters(recurse=False)}
        shared = [t for t in (*self.vit.parameters(), *self.vit.buffers()) if id(t) not in own]
        twin = copy.deepcopy(self, {id(tensor): tensor for tensor in shared})
        for _, layer in twin.norms():
            layer.requires_grad_(False)
        twin.engine = self.engine
        twin._gather()
        return twin

    def _apply(self, *args: Any, **kwargs: Any) -> Backbone:
        """Moves to a device or another type, and brings the norms together there."""
        super()._apply(*args, **kwargs)
        self._gather()
        return self

    def norm_parameters(self, blocks: int | None = None) -> dict[str, nn.Parameter]:
        """Weights and biases of the normalization layers by timm's names, in the model's order.

        Args:
            blocks: of the first blocks only, without the final norm; by default of all.
        """
        late = () if blocks is None else ("norm.", *(f"blocks.{i}." for i in range(blocks, self.depth)))
        return {
            f"{layer}.{name}": parameter
            for layer, module in self.norms()
            for name, parameter in module.named_parameters(recurse=False)
            if not f"{layer}.".startswith(late)
        }

    def weights(self) -> dict[str, nn.Parameter]:
        """All parameters by timm's names, in the model's order."""
        return dict(self.vit.named_parameters())

    def with_weights(self, weights: Mapping[str, Tensor], x: Tensor) -> Output:
        """The output for x [b, 3, h, w] with other values in the place of `weights()`; those stay as they are."""
        return functional_call(self, {f"vit.{name}": value for name, value in weights.items()}, (x,))

    def _gather(self) -> None:
        """The norms' parameters become views of one vector, so that a whole set of them is copied at once."""
        parameters = list(self.norm_parameters().values())
        self.norm_vector = torch.cat([p.detach().flatten() for p in parameters])  # [n]
        for parameter, own in zip(parameters, self.norm_vector.split([p.numel() for p in parameters]), strict=True):
            parameter.data = own.view_as(parameter)

    def norms(self) -> Iterator[tuple[str, nn.Module]]:
        """The normalization layers by timm's names, in the model's order."""
        return ((name, module) for name, module in self.vit.named_modules() if isinstance(module, NORMS))


def _first(count: int, block: Block, tokens: Tensor) -> Tensor:
    """The first tokens behind a block: [b, n, d] -> [b, count, d].

    They come from all tokens by attention alone: two thirds of a block's products are spared.
    """
    tokens = tokens[:, :count] + block.ls1(block.attn(block.norm1(tokens))[:, :count])
    return tokens + block.ls2(block.mlp(block.norm2(tokens)))


def digest(module: nn.Module) -> str:
    """sha256 over names, shapes and values of all tensors: the same for the same weights in any kind of file."""
    sha = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        sha.update(f"{name} {tuple(tensor.shape)} ".encode())
        sha.update(tensor.detach().to("cpu", torch.float32).contiguous().numpy())
    return sha.hexdigest()


def from_timm(vit: nn.Module) -> TypeGuard[TimmVisionTransformer]:
    """Whether a module is timm's VisionTransformer: none can be while timm, which takes seconds, is not imported."""
    home = sys.modules.get("timm.models.vision_transformer")
    return home is not None and isinstance(vit, home.VisionTransformer)


def _checked(vit: nn.Module) -> VisionTransformer | TimmVisionTransformer:
    expected = "expected a timm VisionTransformer with a class token, for example vit_base_patch16_224"
    if isinstance(vit, VisionTransformer):
        return vit
    if not from_timm(vit):
        raise ModelError(f"{expected}; got {type(vit).__name__}")
    if vit.cls_token is None or vit.global_pool != "token" or vit.attn_pool is not None:
        raise ModelError(f"{expected}; this one pools by {vit.global_pool or 'attention'!r} and not by its class token")
    from timm.models.vision_transformer import Block

    odd = {type(block).__name__ for block in vit.blocks if type(block) is not Block}
    if odd:
        raise ModelError(f"{expected} and pre-norm blocks; this one has {', '.join(sorted(odd))}")
    if vit.num_classes < 1:
        raise ModelError(f"{expected} and a classifier; this one has none (num_classes=0)")
    return vit
