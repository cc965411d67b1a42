"""Models in 16 bits."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mgtta.gradients import gradient
from mgtta.logits import entropy
from mgtta_models import Backbone
from mgtta_models.precision import LOW
from tests.arithmetic import Exact, doubled, exact
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


def wide(precision: str) -> dict[str, Exact]:
    """Logits, features and gradient in float64, as far as 16 bits may be from them: their sums are of 32."""

    def results() -> dict[str, Tensor]:
        backbone, x = doubled(tiny()), pictures(0).double()
        logits, features = backbone(x)
        parameters = {name: p.requires_grad_() for name, p in backbone.norm_parameters().items()}
        found = gradient(entropy(backbone(x).logits).mean(), parameters)
        gathered = torch.cat([g.flatten() for g in found.values()])
        return {"logits": logits, "features": features, "gradient": gathered}

    return exact(results, terms=1, dtype=LOW[precision])


@pytest.mark.parametrize("precision", LOW)
def test_answers_and_gradients_are_near(precision: str) -> None:
    """The exact ones, as near as 8 and 11 bits of precision let them be."""
    expected, near = wide(precision), lowered(precision)(pictures(0))
    expected["logits"].assert_near(near.logits, "logits")
    expected["features"].assert_near(near.features, "features")
    expected["gradient"].assert_near(slopes(lowered(precision)), "gradient")
    assert all(each.bound < each.value.abs().max() / 2 for each in expected.values())


def test_small_gradients_survive_in_float16() -> None:
    """They would be lost below 6e-8; the scale is taken out to the bit."""
    backbone = lowered("fp16")
    small = slopes(backbone, 1e-7)
    wide("fp16")["gradient"].assert_near(small / 1e-7)
    parameters = {name: p.requires_grad_() for name, p in backbone.norm_parameters().items()}
    plain = gradient(1e-7 * entropy(backbone(pictures(0)).logits).mean(), parameters)
    lost = torch.cat([g.flatten() for g in plain.values()])
    assert (lost == 0).sum() > (small == 0).sum()


def test_large_gradients_take_a_smaller_scale() -> None:
    """The largest under which all are finite; a gradient that is infinite in any case stays so, for the guard."""
    backbone = lowered("fp16")
    large = slopes(backbone, 1e5)
    wide("fp16")["gradient"].assert_near(large / 1e5)
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
