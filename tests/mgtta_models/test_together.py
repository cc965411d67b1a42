"""Many streams on one model."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from mgtta_models import Backbone
from mgtta_models.backbone import Engine, Output
from mgtta_models.onnx import Session
from mgtta_models.precision import LOW
from mgtta_models.together import Apart, Together, by_torch
from tests.arithmetic import Exact, doubled, exact
from tests.mgtta.test_contract import tiny

TERMS = 3 * 8 * 8  # of the longest sum: a patch's pixels


def by_onnx(backbone: Backbone) -> Engine:
    """The same pass by ONNX Runtime."""
    return Session(backbone, threads=1, apart=True)


def streams(count: int = 3) -> list[Backbone]:
    """Twins that have learned different things."""
    source = tiny()
    twins = [source.twin() for _ in range(count)]
    for i, twin in enumerate(twins):
        twin.norm_vector.add_(torch.randn(twin.norm_vector.shape, generator=torch.Generator().manual_seed(i)) / 5)
    return twins


def picture(seed: int, count: int = 1) -> Tensor:
    """Noise [count, 3, 32, 32]."""
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def answered(model: Backbone, x: Tensor, dtype: torch.dtype = torch.float32) -> list[Exact]:
    """Logits and features of a model alone."""
    twin = doubled(model)
    return list(
        exact(lambda: twin._pass(x.double(), None), terms=TERMS if dtype.itemsize == 4 else 1, dtype=dtype).values()
    )


@pytest.mark.parametrize("engine", [by_torch, by_onnx])
def test_each_picture_is_answered_by_its_own_norms(engine: object) -> None:
    """In one pass, as each stream's model answers alone; the norms of the model that it was made of do not matter."""
    twins = streams()
    compute = engine(twins[1])  # type: ignore[operator]
    x = picture(0, 3)
    output = compute(x, torch.stack([twin.norm_vector for twin in twins]))
    with torch.no_grad():
        for i, twin in enumerate(twins):
            for found, alone in zip(output, answered(twin, x[i : i + 1]), strict=True):
                alone.assert_near(found[i : i + 1])
    assert (output.logits[0] - output.logits[1]).abs().max() > 0.01


@pytest.mark.parametrize("precision", LOW)
def test_in_sixteen_bits(precision: str) -> None:
    """Norms are applied in float32, before the tokens are rounded: as alone.

    What two ways of summing in float32 make of a number rounds to another one of 16 bits at one place in a thousand;
    tokens that were rounded before too would do so at every fourth.
    """
    backbone = tiny()
    backbone.lower(LOW[precision])
    x, tokens = picture(0, 2), list[Tensor]()
    apart = Apart(backbone)
    for model in (apart.backbone, backbone):
        model.vit.get_submodule("blocks.0.norm1").register_forward_hook(lambda *given: tokens.append(given[-1]))
    with torch.no_grad():
        output = apart(x, backbone.norm_vector.expand(2, -1))
        backbone._pass(x, None)
    assert tokens[0].dtype == tokens[1].dtype == LOW[precision]
    assert (tokens[0] != tokens[1]).float().mean() < 0.01
    for found, alone in zip(output, answered(tiny(), x, LOW[precision]), strict=True):
        alone.assert_near(found)


def test_what_is_asked_meanwhile_is_computed_at_once() -> None:
    """The first has a pass for itself; those that come while it is computed share the next. Each gets its own."""
    twins, begun, go = streams(4), threading.Event(), threading.Event()
    plain = by_torch(twins[0])
    sizes: list[int] = []

    def compute(x: Tensor, norms: Tensor) -> Output:
        sizes.append(len(x))
        begun.set()
        go.wait(5)
        return plain(x, norms)

    together = Together(compute)
    with ThreadPoolExecutor(4) as threads, torch.no_grad():
        expected = [answered(twin, picture(i))[0] for i, twin in enumerate(twins)]

        def ask(i: int) -> Tensor:
            return together(picture(i), twins[i].norm_vector).logits

        coming = [threads.submit(ask, 0)]
        assert begun.wait(5)
        coming += [threads.submit(ask, i) for i in (1, 2, 3)]
        while len(together._waiting) < 3:
            time.sleep(0.001)
        go.set()
        for one, logits in zip(coming, expected, strict=True):
            logits.assert_near(one.result(5))
    assert sizes == [1, 3]
    assert (together.passes, together.pictures) == (2, 4)


def test_an_error_reaches_all_that_wait() -> None:
    """And the next pass is computed again."""
    calls = []

    def compute(x: Tensor, _: Tensor) -> Output:
        calls.append(len(x))
        if len(calls) == 1:
            raise RuntimeError("no memory")
        return Output(x.new_zeros(len(x), 2), x.new_zeros(len(x), 1, 1))

    together = Together(compute)
    with pytest.raises(RuntimeError, match="no memory"):
        together(picture(0), torch.zeros(5))
    assert together(picture(0, 2), torch.zeros(5)).logits.shape == (2, 2)


def test_norms_of_channels() -> None:
    """A convolutional stem has norms over maps, whose parameters lie along the second axis."""
    vit = VisionTransformer(img_size=32, patch_size=8, embed_dim=32, depth=1, num_heads=2, num_classes=3)
    vit.patch_embed.norm = nn.Identity()
    projection = vit.patch_embed.proj
    vit.patch_embed.proj = nn.Sequential(projection, nn.BatchNorm2d(32))  # pyright: ignore[reportAttributeAccessIssue]
    source = Backbone(vit.eval())
    other = source.twin()
    other.norm_vector.mul_(1.5).add_(0.1)
    x = picture(0, 2)
    output = by_torch(source)(x, torch.stack([source.norm_vector, other.norm_vector]))
    with torch.no_grad():
        answered(source, x[:1])[0].assert_near(output.logits[:1])
        answered(other, x[1:])[0].assert_near(output.logits[1:])
