"""What every method promises, whatever the paper: design.md's contract over METHODS."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from mgtta import METHODS, MetaGradientGenerator, SourceStatistics, norm_parameters
from mgtta.recurrent import RecurrentGenerator
from mgtta.statistics import measure_fisher
from mgtta.types import Method
from mgtta_models import Backbone, ModelError
from mgtta_models.onnx import Session
from mgtta_models.precision import LOW
from tests.arithmetic import Exact, doubled, exact

LEARNING = sorted(METHODS.keys() - {"none", "lame"})
FILTERING = ("sar", "eata", "deyo")
RATED = sorted(name for name in METHODS if "lr" in inspect.signature(METHODS[name]).parameters)
SEARCHING = ("sar", "foa")  # they look twice: answers of a step are from the second look, by their papers
HERE = {
    "deyo": {"plpd_margin": -0.5},  # pictures of noise have no shapes whose loss would lower a probability
    "cotta": {"augmentations": 3},  # 32 take a minute
    "foa": {"population": 6},
}
BESIDE = {("sar", "published"): {"reset_below": 0.9}}  # a recovery is needed to see what it forgets
OTHER_VALUES = {
    "lr": 0.02,
    "momentum": 0.5,
    "discrepancy_weight": 3.0,
    "neighbors": 2,
    "supports": 1,
    "ema": 0.5,
    "restore": 0.5,
    "augment_below": 0,
    "augmentations": 2,
    "seed": 7,
    "generator_seed": 7,
    "margin_nats": 1.2,
    "entropy_margin_nats": 2.2,
    "weight_margin_nats": 1.5,
    "plpd_margin": 0.02,
    "rho": 0.5,
    "reset_below": 0.9,
    "redundancy": 0.99,
    "fisher_weight": 1e7,
    "prompts": 2,
    "boost": 3.0,
    "population": 8,
    "sigma": 0.3,
    "variant": "original",
    "published": True,
}


def tiny(sharpness: float = 3.0) -> Backbone:
    """A tiny ViT with random weights, unsure of some pictures and sure of others, among 10 of its 12 classes."""
    torch.manual_seed(0)
    vit = VisionTransformer(img_size=32, patch_size=8, embed_dim=32, depth=3, num_heads=4, num_classes=12)
    for name, parameter in vit.named_parameters():
        nn.init.normal_(parameter, mean=1.0 if "norm" in name and name.endswith("weight") else 0.0, std=0.2)
    vit.get_submodule("head").get_parameter("weight").data.mul_(sharpness)
    backbone = Backbone(vit)
    backbone.restrict([11, 1, 2, 3, 4, 5, 6, 7, 8, 0])
    return backbone


def pictures(seed: int, count: int = 16) -> Tensor:
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
        needs = {
            "statistics": statistics,
            "generator": MetaGradientGenerator(1),
            "lstm": RecurrentGenerator(1),
            "fisher": measure_fisher(tiny(), [pictures(100, 32)]),
        }
        wanted = {key: value for key, value in needs.items() if key in inspect.signature(METHODS[name]).parameters}
        return METHODS[name](backbone or tiny(), **wanted, **HERE.get(name, {}) | options)

    return build


def learned(method: Method) -> Tensor:
    """The adapted parameters now."""
    return torch.cat([p.detach().flatten().clone() for p in method.parameters().values()])


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Whether two states are equal to the bit; NaN is equal to NaN."""
    return one.keys() == other.keys() and all(
        tensor.shape == other[name].shape
        and torch.equal(tensor.nan_to_num(), other[name].nan_to_num())
        and torch.equal(tensor.isnan(), other[name].isnan())
        for name, tensor in one.items()
    )


def expected(build: Callable[..., Method], name: str, method: Method, x: Tensor) -> Exact:
    """What a method that has learned what this one has answers in float64; the longest sum is over a patch's pixels."""
    wide = build(name, doubled(tiny()))
    state = method.state_dict()
    wide.load_state_dict({key: t.double() if t.is_floating_point() else t for key, t in state.items()})
    return exact(lambda: wide.predict(x.double()), terms=3 * 8 * 8)["0"]


@pytest.mark.parametrize("name", METHODS)
def test_predict_changes_nothing(name: str, build: Callable[..., Method]) -> None:
    """Asked twice, the answer is the same, and the state too."""
    method, x = build(name), pictures(0)
    before = method.state_dict()
    assert torch.equal(method.predict(x), method.predict(x))
    assert same(before, method.state_dict())


@pytest.mark.parametrize("name", METHODS)
def test_answers_by_onnx_runtime(name: str, build: Callable[..., Method]) -> None:
    """After lessons the answers are torch's, up to rounding: what a method changes reaches the session."""
    fast, plain = tiny(), tiny()
    fast.engine = Session(fast, threads=1)
    one, other = build(name, fast), build(name, plain)
    for seed in range(2):
        other.step(pictures(seed))
        one.load_state_dict(other.state_dict())
        x = pictures(seed + 10)
        expected(build, name, other, x).assert_near(one.predict(x))


@pytest.mark.parametrize("name", sorted(set(LEARNING) - {"cotta"}))
@pytest.mark.parametrize("precision", LOW)
def test_learning_in_sixteen_bits(name: str, precision: str, build: Callable[..., Method]) -> None:
    """What is learned is float32, and goes where it goes in float32; answers are near."""
    low = tiny()
    low.lower(LOW[precision])
    one, other = build(name, low), build(name, tiny())
    assert {p.dtype for p in one.parameters().values()} <= {torch.float32}
    before = one.state_dict()
    for seed in range(2):
        one.step(pictures(seed))
        other.step(pictures(seed))
    assert not same(before, one.state_dict())
    x = pictures(10)
    assert one.predict(x).dtype == torch.float32
    near = torch.cosine_similarity(one.predict(x).flatten(), other.predict(x).flatten(), dim=0)
    assert near > (0.9 if name == "foa" else 0.99)  # a search takes another of its candidates for a trifle


def test_cotta_needs_all_bits(build: Callable[..., Method]) -> None:
    """It learns in the weights that have 16."""
    low = tiny()
    low.lower(torch.bfloat16)
    with pytest.raises(ModelError, match="--precision fp32"):
        build("cotta", low)


@pytest.mark.parametrize("name", METHODS.keys() - set(SEARCHING))
def test_step_answers_as_predict_did(name: str, build: Callable[..., Method]) -> None:
    """The logits of a step are those from before its update, detached."""
    method = build(name)
    for seed in range(3):
        x = pictures(seed)
        wide, before = expected(build, name, method, x), method.predict(x)
        step = method.step(x)
        assert not step.logits.requires_grad
        wide.assert_near(before, "prediction")
        wide.assert_near(step.logits, "answer of the step")


@pytest.mark.parametrize("name", LEARNING)
def test_step_learns_and_reset_forgets(name: str, build: Callable[..., Method]) -> None:
    """A step moves what is learned; reset brings all of it back to the bit, and the next run is the same."""
    method = build(name)
    source, start = learned(method), method.state_dict()
    first = [method.step(pictures(seed)).logits for seed in range(3)]
    assert not same(start, method.state_dict())
    method.reset()
    assert torch.equal(learned(method), source)
    assert same(start, method.state_dict())
    again = [method.step(pictures(seed)).logits for seed in range(3)]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize("name", LEARNING)
def test_save_and_load_continue_identically(name: str, build: Callable[..., Method]) -> None:
    """A second method takes up what the first learned and goes on as it does, to the bit."""
    method, other = build(name), build(name)
    for seed in range(3):
        method.step(pictures(seed))
    saved = method.state_dict()
    other.load_state_dict(saved)
    for seed in range(3, 7):
        assert torch.equal(method.step(pictures(seed)).logits, other.step(pictures(seed)).logits)
    assert same(method.state_dict(), other.state_dict())
    with pytest.raises(ValueError, match="same method"):
        other.load_state_dict(dict(list(saved.items())[1:]))


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
        assert same(before, method.state_dict())


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
    assert same(method.state_dict(), free.state_dict())
    assert not any(tensor.is_inference() for tensor in method.state_dict().values())


@pytest.mark.parametrize("name", METHODS)
def test_every_option_changes_something(name: str, build: Callable[..., Method]) -> None:
    """No option does nothing: another value gives other answers, or another memory, within four steps."""

    def run(**options: object) -> dict[str, Tensor]:
        method = build(name, tiny(), **options)
        answers = {str(seed): method.step(pictures(seed)).logits for seed in range(4)}
        return answers | method.state_dict()

    signature = inspect.signature(METHODS[name]).parameters.items()
    for option in (key for key, parameter in signature if parameter.default is not inspect.Parameter.empty):
        beside = BESIDE.get((name, option), {})
        assert not same(run(**beside, **{option: OTHER_VALUES[option]}), run(**beside)), option


@pytest.mark.parametrize("name", FILTERING)
def test_nothing_reliable_changes_nothing(name: str, build: Callable[..., Method]) -> None:
    """A window in which no answer is certain teaches nothing, and says so."""
    method = build(name, tiny(sharpness=1e-3))
    before = method.state_dict()
    stats = method.step(pictures(0)).stats
    assert "skipped_nothing_reliable" in stats
    assert same(before, method.state_dict())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sar", {"margin_nats": 0.0}),
        ("sar", {"margin_nats": 2.4}),
        ("sar", {"reset_below": 1.0}),
        ("eata", {"margin_nats": 19.1}),
        ("eata", {"redundancy": 1.0}),
        ("deyo", {"entropy_margin_nats": 3.0}),
        ("deyo", {"plpd_margin": 1.0}),
        ("cotta", {"augment_below": 0.1}),
        ("cotta", {"restore": 1.0}),
        ("lame", {"neighbors": 0}),
        ("t3a", {"supports": 0}),
        ("foa", {"prompts": 0}),
        ("foa", {"population": 10**9}),
        ("mgtta", {"boost": 0.5}),
        ("sgd", {"discrepancy_weight": float("nan")}),
        ("eata", {"fisher_weight": -1.0}),
    ],
)
def test_what_could_never_act_is_an_error(name: str, options: dict[str, float], build: Callable[..., Method]) -> None:
    """A filter that keeps everything or nothing, with ten classes, is refused when the method is built."""
    with pytest.raises(ValueError, match="expected"):
        build(name, **options)


@pytest.mark.parametrize("name", RATED)
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
