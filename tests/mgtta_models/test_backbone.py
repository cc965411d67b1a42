"""The backbone answers as timm does, and says clearly what it cannot wrap."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import pytest
import timm
import torch
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from mgtta_models import Backbone, Labels, ModelError
from tests.arithmetic import exact

TERMS = 3 * 8 * 8  # of the longest sum: a patch's pixels
SMALL = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 3, "num_heads": 4, "num_classes": 10}


def small(**changes: object) -> VisionTransformer:
    """A randomly initialized ViT with features that vary."""
    torch.manual_seed(0)
    vit = VisionTransformer(**{**SMALL, **changes})  # pyright: ignore[reportArgumentType]
    for parameter in vit.parameters():
        nn.init.normal_(parameter, std=0.2)
    return vit.eval()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"reg_tokens": 4},
        {"no_embed_class": True},
        {"qk_norm": True},
        {"pre_norm": True},
        {"init_values": 0.5},
        {"scale_attn_norm": True, "scale_mlp_norm": True},
        {"depth": 1},
    ],
)
def test_answers_and_gradients_are_timms(changes: dict[str, object]) -> None:
    """Reading class tokens, and of the last block what is read alone, changes nothing in any architecture."""
    vit, x = small(**changes), torch.randn(4, 3, 32, 32)
    backbone = Backbone(copy.deepcopy(vit))
    own = {name: p.requires_grad_() for name, p in backbone.norm_parameters().items()}

    def results(logits: Tensor, parameters: Sequence[Tensor]) -> dict[str, Tensor]:
        gradients = torch.autograd.grad(logits.square().sum(), parameters)
        return {"logits": logits, **dict(zip(own, gradients, strict=True))}

    def timms() -> dict[str, Tensor]:
        twin = copy.deepcopy(vit).double()
        return results(twin(x.double()), [twin.get_parameter(name) for name in own])

    expected = exact(timms, terms=TERMS)
    for name, found in results(backbone(x).logits, list(own.values())).items():
        expected[name].assert_near(found, name)


def test_distilled_deit_reads_both_heads() -> None:
    """A distilled DeiT averages its two heads, as timm does."""
    torch.manual_seed(0)
    vit, x = VisionTransformerDistilled(**SMALL).eval(), torch.randn(2, 3, 32, 32)  # pyright: ignore[reportArgumentType]
    with torch.no_grad():
        expected = exact(lambda: copy.deepcopy(vit).double()(x.double()), terms=TERMS)["0"]
        expected.assert_near(Backbone(vit)(x).logits)


def test_features_are_normalized_class_tokens() -> None:
    """Block i's class token is read through norm1 of block i + 1, the last one through the final norm."""
    vit, x = small(), torch.randn(2, 3, 32, 32)

    def timms() -> tuple[Tensor, Tensor]:
        twin, wide = copy.deepcopy(vit).double(), x.double()
        first = twin.blocks[0](twin._pos_embed(twin.patch_embed(wide)))
        return twin.blocks[1].get_submodule("norm1")(first)[:, 0], twin.forward_features(wide)[:, 0]

    with torch.no_grad():
        features = Backbone(vit)(x).features
        first, last = exact(timms, terms=TERMS).values()
    assert features.shape == (2, 3, 32)
    first.assert_near(features[:, 0])
    last.assert_near(features[:, 2])


@pytest.mark.parametrize(
    ("vit", "word"),
    [
        (small(global_pool="avg"), "'avg'"),
        (small(class_token=False, global_pool="avg"), "'avg'"),
        (small(num_classes=0), "num_classes=0"),
        (small(block_fn=timm.models.vision_transformer.ParallelScalingBlock), "ParallelScalingBlock"),
        (nn.Linear(2, 2), "Linear"),
    ],
)
def test_other_models_are_refused(vit: nn.Module, word: str) -> None:
    """One line says what was expected and what came."""
    with pytest.raises(ModelError, match="expected a timm VisionTransformer") as error:
        Backbone(vit)
    assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_class_names_must_fit() -> None:
    """Three names for ten classes are an error, not a guess."""
    with pytest.raises(ModelError, match=r"10 classes, but 3 class names"):
        Backbone(small(), labels=Labels(("a", "b", "c")))


def test_twin_shares_all_but_norms() -> None:
    """A twin answers equally, owns only norm parameters, and does not follow when the original adapts."""
    backbone, x = Backbone(small()), torch.randn(2, 3, 32, 32)
    twin = backbone.twin()
    own = {
        name
        for name, p in twin.vit.named_parameters()
        if p.data_ptr() != dict(backbone.vit.named_parameters())[name].data_ptr()
    }
    assert own == {f"{layer}.{kind}" for layer, _ in backbone.norms() for kind in ("weight", "bias")}
    with torch.no_grad():
        before = twin(x).logits
        torch.testing.assert_close(before, backbone(x).logits, rtol=0, atol=0)
        backbone.vit.get_parameter("norm.weight").mul_(2)
        torch.testing.assert_close(twin(x).logits, before, rtol=0, atol=0)


def test_digest_tells_weights_apart() -> None:
    """Equal weights have equal digests, one changed number changes it."""
    vit = small()
    changed = copy.deepcopy(vit)
    changed.get_parameter("head.bias").data[3] += 1e-3
    assert Backbone(copy.deepcopy(vit)).digest == Backbone(vit).digest != Backbone(changed).digest
