"""What every method promises, whatever the paper: design.md's contract over METHODS."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from mgtta import METHODS, MetaGradientGenerator, SourceStatistics, norm_parameters
from mgtta.types import Method
from models import Backbone

LEARNING = sorted(METHODS.keys() - {"none"})
OTHER_VALUES = {"lr": 0.02, "momentum": 0.5, "discrepancy_weight": 3.0}


def tiny() -> Backbone:
    """A tiny ViT with random weights, large enough that classes differ."""
    torch.manual_seed(0)
    vit = VisionTransformer(img_size=32, patch_size=8, embed_dim=32, depth=3, num_heads=4, num_classes=10)
    for parameter in vit.parameters():
        nn.init.normal_(parameter, mean=0.1, std=0.3)
    return Backbone(vit)


def pictures(seed: int, count: int = 8) -> Tensor:
    """Random normalized pictures."""
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def statistics() -> SourceStatistics:
    """Of the tiny model on random pictures."""
    return SourceStatistics.measure(tiny(), [pictures(100, 32)])


@pytest.fixture
def build(statistics: SourceStatistics) -> Callable[..., Method]:
    """Builds a method by name with whatever its signature wants beforehand."""

    def build(name: str, backbone: Backbone | None = None, **options: object) -> Method:
        needs = {"statistics": statistics, "generator": MetaGradientGenerator(1)}
        wanted = {key: value for key, value in needs.items() if key in inspect.signature(METHODS[name]).parameters}
        return METHODS[name](backbone or tiny(), **wanted, **options)

    return build


def learned(method: Method) -> Tensor:
    """The adapted parameters now."""
    return torch.cat([p.detach().flatten().clone() for p in method.parameters().values()])


@pytest.mark.parametrize("name", METHODS)
def test_predict_changes_nothing(name: str, build: Callable[..., Method]) -> None:
    """Asked twice, the answer is the same, and the state too."""
    method, x = build(name), pictures(0)
    before = method.state_dict()
    assert torch.equal(method.predict(x), method.predict(x))
    assert all(torch.equal(before[key], value) for key, value in method.state_dict().items())


@pytest.mark.parametrize("name", METHODS)
def test_step_answers_as_predict_did(name: str, build: Callable[..., Method]) -> None:
    """The logits of a step are those from before its update, detached."""
    method = build(name)
    for seed in range(3):
        x = pictures(seed)
        expected = method.predict(x)
        step = method.step(x)
        assert not step.logits.requires_grad
        torch.testing.assert_close(step.logits, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", LEARNING)
def test_step_learns_and_reset_forgets(name: str, build: Callable[..., Method]) -> None:
    """A step moves the parameters; reset brings all of them back to the bit, and the next run is the same."""
    method = build(name)
    source, start = learned(method), method.state_dict()
    first = [method.step(pictures(seed)).logits for seed in range(3)]
    assert not torch.equal(learned(method), source)
    method.reset()
    assert torch.equal(learned(method), source)
    assert all(torch.equal(start[key], value) for key, value in method.state_dict().items())
    again = [method.step(pictures(seed)).logits for seed in range(3)]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize("name", LEARNING)
def test_save_and_load_continue_identically(name: str, build: Callable[..., Method]) -> None:
    """A second method takes up what the first learned and goes on as it does, to the bit."""
    method, other = build(name), build(name)
    for seed in range(3):
        method.step(pictures(seed))
    saved = method.state_dict()
    method.step(pictures(3))
    other.load_state_dict(saved)
    other.step(pictures(3))
    assert torch.equal(learned(method), learned(other))
    with pytest.raises(ValueError, match="same method"):
        other.load_state_dict({key: value for key, value in saved.items() if "norm2" not in key})


@pytest.mark.parametrize("name", METHODS)
def test_window_of_one(name: str, build: Callable[..., Method]) -> None:
    """One picture is answered, and nothing becomes NaN; a loss that needs a spread learns nothing and says so."""
    method, source = build(name), learned(build(name))
    step = method.step(pictures(0, count=1))
    assert step.logits.shape == (1, 10)
    assert learned(method).isfinite().all()
    if any(key.startswith("skipped") for key in step.stats):
        assert torch.equal(learned(method), source)


@pytest.mark.parametrize("name", LEARNING)
def test_poison_is_refused(name: str, build: Callable[..., Method]) -> None:
    """A window with NaN or infinity teaches nothing, touches no state, and is named in the stats."""
    method = build(name)
    method.step(pictures(0))
    before = method.state_dict()
    for value in (float("nan"), float("inf")):
        x = pictures(1)
        x[0, 0, 0, 0] = value
        stats = method.step(x).stats
        assert any(key.startswith("skipped") for key in stats)
        assert all(torch.equal(before[key], tensor) for key, tensor in method.state_dict().items())


@pytest.mark.parametrize("name", METHODS)
def test_identical_pictures_give_finite_numbers(name: str, build: Callable[..., Method]) -> None:
    """A window without any spread has a gradient all the same."""
    method = build(name)
    method.step(pictures(0, count=1).expand(8, -1, -1, -1))
    assert learned(method).isfinite().all()


@pytest.mark.parametrize("name", METHODS)
def test_the_rest_is_untouched(name: str, build: Callable[..., Method]) -> None:
    """The input and every parameter outside the method's scope stay as they are."""
    backbone, x = tiny(), pictures(0)
    method = build(name, backbone)
    adapted = {id(p) for p in method.parameters().values()}
    frozen = {key: p.clone() for key, p in backbone.named_parameters() if id(p) not in adapted}
    kept = x.clone()
    method.step(x)
    assert torch.equal(x, kept)
    assert all(torch.equal(p, frozen[key]) for key, p in backbone.named_parameters() if key in frozen)


@pytest.mark.parametrize("name", METHODS)
def test_works_under_inference_mode(name: str, build: Callable[..., Method]) -> None:
    """A caller's inference mode, in which frames were prepared, is no obstacle to learning."""
    method, free = build(name), build(name)
    with torch.inference_mode():
        method.step(pictures(0) * 1)
        method.step(pictures(1) * 1)
    free.step(pictures(0))
    free.step(pictures(1))
    assert torch.equal(learned(method), learned(free))


@pytest.mark.parametrize("name", METHODS)
def test_every_option_changes_something(name: str, build: Callable[..., Method]) -> None:
    """No option does nothing: another value gives other parameters after three steps."""
    default = build(name)
    signature = inspect.signature(METHODS[name]).parameters.items()
    options = [key for key, parameter in signature if parameter.default is not inspect.Parameter.empty]
    for seed in range(3):
        default.step(pictures(seed))
    for option in options:
        changed = build(name, **{option: OTHER_VALUES[option]})
        for seed in range(3):
            changed.step(pictures(seed))
        assert not torch.equal(learned(changed), learned(default)), option


@pytest.mark.parametrize("name", LEARNING)
def test_rate_must_be_positive(name: str, build: Callable[..., Method]) -> None:
    """A rate that cannot learn is an error when built."""
    with pytest.raises(ValueError, match="above 0"):
        build(name, lr=0.0)


def test_adapted_parameters_are_the_norms(build: Callable[..., Method]) -> None:
    """By timm's names, in the model's order."""
    backbone = tiny()
    names = [f"blocks.{i}.norm{j}.{kind}" for i in range(3) for j in (1, 2) for kind in ("weight", "bias")]
    assert list(build("mgtta", backbone).parameters()) == [*names, "norm.weight", "norm.bias"]
    assert list(norm_parameters(backbone)) == [*names, "norm.weight", "norm.bias"]
