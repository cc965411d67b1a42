"""Models in 16 bits."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mgtta.gradients import gradient
from mgtta.logits import entropy
from mgtta_models import Backbone
from mgtta_models.precision import LOW
from tests.mgtta.test_contract import pictures, tiny


def lowered(precision: str) -> Backbone:
    """A tiny model in 16 bits."""
    backbone = tiny()
    backbone.lower(LOW[precision])
    return backbone


def slopes(backbone: Backbone, factor: float = 1.0) -> Tensor:
    """Gradient of the mean entropy by the norms [n]."""
    parameters = {name: p.requires_grad_() for name, p in backbone.norm_parameters().items()}
    found = gradient(factor * entropy(backbone(pictures(0)).logits).mean(), parameters, backbone.loss_scales)
    assert all(g.dtype == torch.float32 for g in found.values())
    return torch.cat([g.flatten() for g in found.values()])


@pytest.mark.parametrize("precision", LOW)
def test_products_are_low_and_the_rest_is_not(precision: str) -> None:
    """Norms, head, features and logits stay in float32; all other weights have 16 bits."""
    backbone = lowered(precision)
    own = set(backbone.norm_parameters()) | {"head.weight", "head.bias"}
    types = {name: p.dtype for name, p in backbone.vit.named_parameters()}
    assert {types[name] for name in own} == {torch.float32}
    assert {dtype for name, dtype in types.items() if name not in own} == {LOW[precision]}
    output = backbone(pictures(0))
    assert (output.logits.dtype, output.features.dtype) == (torch.float32, torch.float32)
    assert backbone.norm_vector.dtype == torch.float32
    assert backbone.digest == tiny().digest


@pytest.mark.parametrize(("precision", "within"), [("bf16", 0.1), ("fp16", 0.03)])
def test_answers_and_gradients_are_near(precision: str, within: float) -> None:
    """Those of float32, as near as 8 and 11 bits of precision let them be."""
    exact, near = tiny()(pictures(0)), lowered(precision)(pictures(0))
    for low, full in zip(near, exact, strict=True):
        assert (low - full).abs().max() < within
        assert full.abs().max() > 20 * within
    assert torch.cosine_similarity(slopes(lowered(precision)), slopes(tiny()), dim=0) > 0.995


def test_small_gradients_survive_in_float16() -> None:
    """They would be lost below 6e-8; the scale is taken out to the bit."""
    backbone = lowered("fp16")
    small = slopes(backbone, 1e-7)
    assert torch.cosine_similarity(small, slopes(tiny()), dim=0) > 0.995
    parameters = {name: p.requires_grad_() for name, p in backbone.norm_parameters().items()}
    plain = gradient(1e-7 * entropy(backbone(pictures(0)).logits).mean(), parameters)
    lost = torch.cat([g.flatten() for g in plain.values()])
    assert (lost == 0).sum() > (small == 0).sum()


def test_large_gradients_take_a_smaller_scale() -> None:
    """The largest under which all are finite; a gradient that is infinite in any case stays so, for the guard."""
    backbone = lowered("fp16")
    large = slopes(backbone, 1e5)
    assert large.isfinite().all()
    assert torch.cosine_similarity(large, slopes(tiny()), dim=0) > 0.995
    assert not slopes(backbone, float("inf")).isfinite().all()


def test_twins_share_what_is_low() -> None:
    """And compute in 16 bits too, with norms of their own."""
    backbone = lowered("bf16")
    twin = backbone.twin()
    assert twin.dtype == torch.bfloat16
    assert torch.equal(twin(pictures(0)).logits, backbone(pictures(0)).logits)
    with torch.no_grad():
        twin.norm_vector.mul_(1.5)
    assert not torch.equal(twin(pictures(0)).logits, backbone(pictures(0)).logits)
    assert twin.vit.get_parameter("blocks.0.attn.qkv.weight") is backbone.vit.get_parameter("blocks.0.attn.qkv.weight")
