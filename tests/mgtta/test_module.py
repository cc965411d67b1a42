"""A model that adapts, as an nn.Module: the same numbers as the methods by hand, in the manner of torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import mgtta
from mgtta import METHODS, MetaGradientGenerator, SourceStatistics
from mgtta.statistics import measure_fisher
from mgtta.trial import learned, pictures, same
from mgtta_models import Backbone, ModelError, files
from mgtta_models.tiny import tiny_backbone

PAPER: dict[str, Any] = {"guard": "off", "memory": None}


@pytest.fixture(scope="module")
def statistics() -> SourceStatistics:
    """Of the tiny model; without the entropy on clean pictures, or the guard would take all windows here for clean."""
    return replace(SourceStatistics.measure(tiny_backbone(), [pictures(100, 32)]), entropy=None)


def vit() -> VisionTransformer:
    """A timm module as users have it."""
    return VisionTransformer(img_size=32, patch_size=8, embed_dim=32, depth=3, num_heads=4, num_classes=12)


def test_the_papers_arguments_give_the_papers_method(statistics: SourceStatistics) -> None:
    """To the bit, on a DataLoader whose last batch is smaller; a batch of one is answered and skipped."""
    generator = MetaGradientGenerator(1)
    adapted = mgtta.adapt(tiny_backbone(), statistics=statistics, generator=generator, boost=1, **PAPER)
    method = METHODS["mgtta"](tiny_backbone(), generator=generator, statistics=statistics)
    loader = DataLoader(TensorDataset(pictures(0, 33)), batch_size=16)
    for (images,) in loader:
        assert torch.equal(adapted(images), method.step(images).logits)
    assert same(adapted.state_dict(), method.state_dict())
    assert adapted.last is not None
    assert adapted.last.skipped == "window_too_small"


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_the_callers_mode_does_not_matter(statistics: SourceStatistics, mode: Callable[[], torch.no_grad]) -> None:
    """The same is learned, in ordinary tensors, which go on to learn outside of it."""
    runs = []
    for within in (mode, torch.no_grad):
        adapted = mgtta.adapt(tiny_backbone(), statistics=statistics, window=16)
        with within():
            logits = [adapted(pictures(seed) * 1) for seed in range(5)]
            kept = {name: tensor.clone() for name, tensor in adapted.state_dict().items()}
            adapted.load_state_dict(kept)
        logits.append(adapted(pictures(5)))
        assert not logits[-1].requires_grad
        runs.append(torch.stack(logits))
    assert torch.equal(*runs)


def test_predict_learns_nothing_and_update_does(statistics: SourceStatistics) -> None:
    """`predict` is what a call would answer; `update` learns what a call would."""
    one, other = (mgtta.adapt(tiny_backbone(), "sgd", statistics, guard="off", memory=None) for _ in range(2))
    before = one.state_dict()
    answers = one.predict(pictures(0))
    assert same(before, one.state_dict())
    assert torch.equal(answers, one(pictures(0)))
    step = other.update(pictures(0))
    assert step.skipped is None
    assert {"entropy", "discrepancy"} <= step.stats.keys()
    assert same(one.state_dict(), other.state_dict())


def test_reset_is_to_the_bit(statistics: SourceStatistics) -> None:
    """Model, optimizer and memory: the next run is the first one again."""
    model = tiny_backbone()
    source = {name: p.clone() for name, p in model.named_parameters()}
    adapted = mgtta.adapt(model, statistics=statistics, window=16)
    first = [adapted(pictures(seed)) for seed in range(4)]
    assert any(not torch.equal(p, source[name]) for name, p in model.named_parameters())
    adapted.reset()
    assert all(torch.equal(p, source[name]) for name, p in model.named_parameters())
    assert all(torch.equal(a, adapted(pictures(seed))) for seed, a in enumerate(first))


def test_state_goes_through_torchs_own_ways(statistics: SourceStatistics, tmp_path: Path) -> None:
    """torch.save, a parent module's state_dict, and an error as torch raises it."""

    def make() -> nn.Module:
        return mgtta.adapt(tiny_backbone(), "tent", statistics, guard="off", memory=None)

    one, other = make(), make()
    one(pictures(0))
    torch.save(one.state_dict(), tmp_path / "state.pt")
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(one(pictures(1)), other(pictures(1)))
    parent, twin = nn.Sequential(one), nn.Sequential(make())
    assert all(name.startswith("0.") for name in parent.state_dict())
    twin.load_state_dict(parent.state_dict())
    assert same(parent.state_dict(), twin.state_dict())
    with pytest.raises(RuntimeError, match="not of the same method and model"):
        other.load_state_dict({"weight": torch.zeros(1)})


def test_an_update_follows_each_window_of_new_images(statistics: SourceStatistics) -> None:
    """Single images are answered at once; updates come as on a stream, from the memory."""
    adapted = mgtta.adapt(tiny_backbone(), "tent", window=8, memory="window")
    skipped = [adapted.update(image[None]).skipped for image in pictures(0, 20)]
    assert [i for i, why in enumerate(skipped) if why is None] == [7, 15]
    watched = mgtta.adapt(tiny_backbone(), "tent", statistics, memory=None, lr=100.0)
    step = watched.update(pictures(0))
    assert step.skipped == "guard"
    assert step.alarms


def test_larger_first_steps_are_the_default_of_their_model_only(statistics: SourceStatistics, tmp_path: Path) -> None:
    """As `mgtta-cam` has it: the boost in the generator's card, unless a rate or a boost is given."""
    path, model = tmp_path / "g.safetensors", tiny_backbone()
    files.write(path, MetaGradientGenerator(1).official(), {"boost": "4", "model_digest": model.digest})

    def moved(**options: Any) -> Tensor:
        adapted = mgtta.adapt(tiny_backbone(), statistics=statistics, generator=path, **PAPER, **options)
        adapted(pictures(0))
        return learned(adapted.method)

    assert torch.equal(moved(), moved(boost=4))
    assert not torch.equal(moved(), moved(boost=1))
    assert torch.equal(moved(lr=1e-3), moved(boost=1))


def test_every_method_runs(statistics: SourceStatistics) -> None:
    """With statistics that hold the importances which one of them needs."""
    whole = SourceStatistics(
        statistics.std, statistics.mean, fisher=measure_fisher(tiny_backbone(), [pictures(100)]), entropy=0.1
    )
    quick: dict[str, dict[str, Any]] = {"cotta": {"augmentations": 2}, "foa": {"population": 4}}
    for name in METHODS:
        adapted = mgtta.adapt(tiny_backbone(), name, whole, window=8, **quick.get(name, {}))
        assert adapted(pictures(0, 8)).shape == (8, 10)


def test_a_timm_module_is_enough() -> None:
    """It needs no Backbone; a method that aligns statistics says how to measure them."""
    model = vit()
    adapted = mgtta.adapt(model, "tent", window=4)
    assert adapted(torch.randn(4, 3, 32, 32)).shape == (4, 12)
    assert list(adapted.parameters()) == []
    with pytest.raises(ModelError, match=r"SourceStatistics\.measure\(Backbone\(model\), batches\)"):
        mgtta.adapt(model)
    own = SourceStatistics.measure(Backbone(model), [torch.randn(4, 3, 32, 32)])
    assert mgtta.adapt(model, statistics=own, window=4)(torch.randn(4, 3, 32, 32)).shape == (4, 12)


def test_errors_say_what_to_do(statistics: SourceStatistics) -> None:
    """Expected, got, way out."""
    model = tiny_backbone()
    with pytest.raises(ValueError, match="no method 'tennt'; known: none, lame"):
        mgtta.adapt(model, "tennt")
    with pytest.raises(ValueError, match="its options: lr, momentum"):
        mgtta.adapt(model, "tent", rate=1.0)
    with pytest.raises(ValueError, match="guard is one of off, warn, rollback, stop; got 'on'"):
        mgtta.adapt(model, "tent", guard="on")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="memory is one of window, reservoir, balanced, a plug-in or None"):
        mgtta.adapt(model, "tent", memory="queue")
    with pytest.raises(ValueError, match="takes no generator"):
        mgtta.adapt(model, "tent", generator=MetaGradientGenerator(0))
    with pytest.raises(ModelError, match="do not belong to tiny"):
        mgtta.adapt(model, statistics=SourceStatistics(torch.ones(3), torch.ones(3)))
    with pytest.raises(ModelError, match="Fisher importances"):
        mgtta.adapt(model, "eata", statistics)
    with pytest.raises(ModelError, match="timm VisionTransformer"):
        mgtta.adapt(nn.Linear(2, 2), "tent")
    adapted = mgtta.adapt(model, "tent")
    with pytest.raises(ValueError, match=r"\[b, 3, h, w\].*got torch.uint8"):
        adapted(torch.zeros(2, 3, 32, 32, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"move the model first, as in mgtta\.adapt\(model\.to\(device\)\)"):
        adapted.double()
    assert adapted.to("cpu").train().eval() is adapted
