"""The embedded model's own Vision Transformer is timm's, to the bit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer as TimmVisionTransformer
from torch import Tensor, nn

from mgtta_models import Backbone, files, load_backbone, shipped
from mgtta_models.precision import attend_plainly
from mgtta_models.preprocess import Preprocess
from mgtta_models.stem import ConvolutionalStem
from mgtta_models.vit import VisionTransformer

ARGUMENTS = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 3, "num_heads": 4, "num_classes": 5}


def pair(stem: type[nn.Module] | None = None) -> tuple[VisionTransformer, TimmVisionTransformer]:
    """Ours and timm's, of the same random weights."""
    layer: dict[str, Any] = {} if stem is None else {"embed_layer": stem}
    theirs = TimmVisionTransformer(**ARGUMENTS, **layer)  # pyright: ignore[reportArgumentType]
    for p in theirs.parameters():
        nn.init.normal_(p, std=0.3)
    own = VisionTransformer(**ARGUMENTS, **layer)
    own.load_state_dict(theirs.state_dict())
    return own.eval(), theirs.eval()


def passed(vit: nn.Module, x: Tensor) -> list[Tensor]:
    """Logits, and the gradients of all weights."""
    logits = vit(x)
    return [logits, *torch.autograd.grad(logits.square().sum(), list(vit.parameters()))]


@pytest.mark.parametrize("stem", [None, ConvolutionalStem])
@pytest.mark.parametrize("plain", [False, True])
def test_answers_and_gradients_are_timms(stem: type[nn.Module] | None, plain: bool) -> None:
    """Equal names in equal order, equal logits, equal gradients: not one bit apart, with either kind of attention."""
    own, theirs = pair(stem)
    assert [name for name, _ in own.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    assert own.state_dict().keys() == theirs.state_dict().keys()
    if plain:
        attend_plainly(own)
        attend_plainly(theirs)
    x = torch.randn(3, 3, 32, 32)
    for a, b in zip(passed(own, x), passed(theirs, x), strict=True):
        assert torch.equal(a, b)


def test_as_a_backbone() -> None:
    """Features, prompts, digest and preprocessing as those of timm's."""
    own, theirs = (Backbone(vit, name="a") for vit in pair())
    assert own.digest == theirs.digest
    assert own.preprocess == theirs.preprocess == Preprocess.of(own.vit)
    x, prompts = torch.randn(2, 3, 32, 32), torch.randn(3, 32)
    for given in (None, prompts):
        a, b = own(x, given), theirs(x, given)
        assert torch.equal(a.logits, b.logits)
        assert torch.equal(a.features, b.features)
    assert list(own.norm_parameters()) == list(theirs.norm_parameters())


def test_another_size() -> None:
    """Positions are interpolated as timm does it."""
    own, theirs = pair()
    for vit in (own, theirs):
        vit.set_input_size((48, 48))
    x = torch.randn(2, 3, 48, 48)
    assert theirs.pos_embed is not None
    assert torch.equal(own.pos_embed, theirs.pos_embed)
    assert torch.equal(own(x), theirs(x))


def test_the_embedded_model() -> None:
    """It is built without timm, and is what timm's class would be with these weights."""
    own = load_backbone("demo")
    assert isinstance(own.vit, VisionTransformer)
    theirs = TimmVisionTransformer(
        128, num_classes=16, embed_dim=192, depth=6, num_heads=3, embed_layer=ConvolutionalStem
    )
    theirs.load_state_dict(files.read(shipped.backbone()).tensors)
    x = torch.randn(2, 3, 128, 128)
    with torch.no_grad():
        assert torch.equal(own(x).logits, Backbone(theirs, labels=own.labels)(x).logits)
