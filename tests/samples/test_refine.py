"""The second part of the training: norm layers of the stem, clean moments, and how far a step reaches."""

import copy

import numpy as np
import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from mgtta_models.stem import ConvolutionalStem
from samples.domains import DOMAINS, Moments, in_domain
from samples.refine import calibrate, rescale
from tests.arithmetic import exact

TERMS = 16 * 32 * 32  # of the longest sum: a channel's mean over all pixels of all pictures


@pytest.fixture
def model() -> VisionTransformer:
    """A small one with norm layers that are not what they are when new."""
    torch.manual_seed(0)
    vit = VisionTransformer(
        img_size=32, patch_size=8, embed_dim=24, depth=2, num_heads=2, num_classes=3, embed_layer=ConvolutionalStem
    ).eval()
    for layer in vit.modules():
        if isinstance(layer, nn.LayerNorm):
            nn.init.normal_(layer.weight, 1, 0.1)
            nn.init.normal_(layer.bias, 0, 0.1)
    return vit


@pytest.fixture
def x() -> Tensor:
    """Normalized pictures."""
    return torch.rand(16, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1


@torch.no_grad()
def test_calibration_keeps_what_the_model_computes(model: VisionTransformer, x: Tensor):
    """The stem's norm layers get the moments of clean pictures, and the answers stay."""
    twin = copy.deepcopy(model).double()
    calibrate(model, Moments(model), x)
    exact(lambda: twin(x.double()), terms=TERMS)["0"].assert_near(model(x))
    mean = exact(lambda: x.double().mean((0, 2, 3)), terms=x[:, 0].numel())["0"]
    mean.assert_near(model.get_buffer("patch_embed.layers.0.running_mean"))


@torch.no_grad()
def test_rescaling_keeps_what_the_model_computes(model: VisionTransformer, x: Tensor):
    """Only the shares of norm layers and readers change."""
    calibrate(model, Moments(model), x)
    twin = copy.deepcopy(model).double()
    rescale(model, stem=0.1, final=4.0)
    exact(lambda: twin(x.double()), terms=TERMS)["0"].assert_near(model(x))
    share = model.get_parameter("patch_embed.layers.3.weight").abs()
    assert share.mean() == pytest.approx(0.1, rel=share.numel() * torch.finfo(share.dtype).eps)
    assert model.get_parameter("norm.weight").mean() == pytest.approx(4.0, rel=0.2)


@torch.no_grad()
def test_restoring_undoes_a_shift_of_channels(model: VisionTransformer, x: Tensor):
    """Pictures with their contrast halved, seen with the clean moments, are the clean pictures again."""
    moments = Moments(model)
    calibrate(model, moments, x)
    with moments.measured():
        clean = model(x)
    with moments.restored():
        faded = model(0.5 * x + 0.3)
    assert torch.dist(model(0.5 * x + 0.3), clean) > 10 * torch.dist(faded, clean)
    torch.testing.assert_close(model(x), clean, rtol=0, atol=0)


@pytest.mark.parametrize("domain", DOMAINS)
def test_domains_change_pictures_and_keep_their_range(domain: str, x: Tensor):
    """Seeded, in -1..1, and not what it was."""
    first, again = (in_domain(x[:2], domain, np.random.RandomState(3)) for _ in range(2))
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert first.shape == (2, 3, 32, 32)
    assert first.abs().max() <= 1
    assert torch.dist(first, x[:2]) > 1
