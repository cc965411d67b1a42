"""What every method promises, whatever the paper: the contract (`mgtta.contract`) over METHODS, and more."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor

from mgtta import METHODS, norm_parameters
from mgtta.contract import CHECKS, findings
from mgtta.trial import Trial, pictures, same
from mgtta.types import Method, Step, Tensors
from mgtta_models import Backbone, Classifier, ModelError
from mgtta_models.onnx import Session
from mgtta_models.precision import LOW
from mgtta_models.tiny import tiny_backbone
from tests.arithmetic import Exact, doubled, exact

LEARNING = sorted(METHODS.keys() - {"none", "lame"})
FILTERING = ("sar", "eata", "deyo")
NOT_IN_FLOAT64 = ("lame", "t3a")  # their features are float32: so is their twin
RATED = sorted(name for name in METHODS if "lr" in inspect.signature(METHODS[name]).parameters)
EXEMPT = {(name, "step-answers-as-predict") for name in ("sar", "foa")}  # by their papers, a second pass answers
HERE = {
    "deyo": {"plpd_margin": -0.5},  # pictures of noise have no shapes whose loss would lower a probability
    "cotta": {"augmentations": 3},  # 32 take a minute
    "foa": {"population": 6},
}
BESIDE = {"sar": {"published": {"reset_below": 0.9}}}  # a recovery is needed to see what it forgets
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
    """A tiny ViT with random weights, and torch's own random state as if nothing had been drawn yet."""
    torch.manual_seed(0)
    return tiny_backbone(sharpness)


@pytest.fixture
def build() -> Callable[..., Method]:
    """Builds a method by name with whatever its signature needs."""

    def build(name: str, backbone: Backbone | None = None, **options: object) -> Method:
        return Trial(METHODS[name], HERE.get(name, {})).build(backbone or tiny(), **options)

    return build


def expected(build: Callable[..., Method], name: str, method: Method, x: Tensor) -> Exact:
    """What a method that has learned what this one has answers in float64; the longest sum is over a patch's pixels."""
    wide = build(name, doubled(tiny()))
    state = method.state_dict()
    wide.load_state_dict({key: t.double() if t.is_floating_point() else t for key, t in state.items()})
    return exact(lambda: wide.predict(x.double()), terms=3 * 8 * 8)["0"]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", METHODS)
def test_contract(name: str, check: str) -> None:
    """Each method keeps each promise."""
    if (name, check) in EXEMPT:
        pytest.skip("its paper answers with a second pass")
    torch.manual_seed(0)
    CHECKS[check](Trial(METHODS[name], HERE.get(name, {}), OTHER_VALUES, BESIDE.get(name, {})))


@pytest.mark.parametrize("name", METHODS)
def test_answers_by_onnx_runtime(name: str, build: Callable[..., Method]) -> None:
    """After updates the answers are torch's, up to rounding: what a method changes reaches the session."""
    fast, plain = tiny(), tiny()
    fast.engine = Session(fast, threads=1)
    one, other = build(name, fast), build(name, plain)
    for seed in range(2):
        other.step(pictures(seed))
        one.load_state_dict(other.state_dict())
        x = pictures(seed + 10)
        if name == "cotta":  # its copies have no engine: torch answers
            assert torch.equal(one.predict(x), other.predict(x))
        elif name in NOT_IN_FLOAT64:
            found = exact(lambda x=x: other.predict(x), terms=3 * 8 * 8)["0"]
            found.assert_near(one.predict(x))
        else:
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


@pytest.mark.parametrize("name", FILTERING)
def test_nothing_reliable_changes_nothing(name: str, build: Callable[..., Method]) -> None:
    """A window in which no answer is certain is skipped, and says so."""
    method = build(name, tiny(sharpness=1e-3))
    before = method.state_dict()
    assert method.step(pictures(0)).skipped == "nothing_reliable"
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
    """A filter that keeps everything or nothing, with ten classes, is rejected when the method is built."""
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


class Careless:
    """Predicts with what it counts, keeps no copy, takes no scale: breaks most promises."""

    probabilities = False
    lr = 0.1

    def __init__(self, backbone: Classifier, unused: float = 0.5) -> None:
        self.backbone, self.unused, self.count = backbone, unused, torch.zeros(1)

    def predict(self, x: Tensor) -> Tensor:
        """Counts."""
        self.count += 1
        return self.backbone(x).logits + self.count

    def step(self, x: Tensor) -> Step:
        """Learns from all that comes."""
        self.count += x.mean()
        return Step(self.backbone(x).logits, {})

    def reset(self) -> None:
        """Forgets to."""

    def parameters(self) -> Tensors:
        """What it counts."""
        return {"count": self.count}

    def state_dict(self) -> dict[str, Tensor]:
        """The same."""
        return {"count": self.count.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Takes anything."""
        self.count = state.get("count", self.count).clone()


def test_a_careless_method_is_found_out() -> None:
    """Each finding says what is wrong; the checks that it passes have none."""
    errors = {finding.check: finding.error for finding in findings(Trial(Careless))}  # pyright: ignore[reportArgumentType]
    assert list(errors) == list(CHECKS)
    assert {check for check, error in errors.items() if error is None} == {
        "unreliable-windows-are-harmless",
        "identical-pictures",
        "the-rest-is-untouched",
        "window-of-one",
        "works-under-inference-mode",
    }
    assert errors["predict-changes-nothing"] == "two calls of predict gave different answers"
    assert errors["poison-is-rejected"] == "a window with nan was not skipped"
    assert errors["scale-scales-the-step"] == ("TypeError: Careless.step() got an unexpected keyword argument 'scale'")
    assert str(errors["every-option-has-an-effect"]).startswith("the option unused has no effect: 0.125 and 2.0")


def test_our_methods_pass_as_plug_ins_do() -> None:
    """With nothing known of their options, as `check-method` runs them."""
    assert not [finding for finding in findings(Trial(METHODS["tent"])) if finding.error]
