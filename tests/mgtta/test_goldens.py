"""Equal to the reference implementations, within the tolerances that the goldens' README gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mgtta import METHODS, SourceStatistics, meta_gradient
from mgtta.generator import OFFICIAL, PREFIX
from mgtta.training import Pretraining
from mgtta.types import Method
from tests import goldens

pytestmark = pytest.mark.golden
LOGITS, NORMS, GENERATED = 1e-4, 1e-5, 1e-4  # absolute tolerances


@pytest.fixture(scope="module")
def common(shared: Path) -> goldens.Golden:
    """The tiny ViT and its pictures."""
    return goldens.load(shared, "tiny_vit_common")


def test_backbone_features(common: goldens.Golden) -> None:
    """Logits and class tokens of the untouched model are the reference's."""
    backbone = goldens.backbone(common)
    with torch.no_grad():
        for t, pictures in enumerate(common["images_u8"]):
            logits, features = backbone(goldens.inputs(pictures))
            np.testing.assert_allclose(logits, common["noadapt_logits"][t], atol=LOGITS)
            np.testing.assert_allclose(features.flatten(1), common["noadapt_features"][t], atol=LOGITS)


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_source_statistics(common: goldens.Golden, batch: int) -> None:
    """Streaming gives the same mean and unbiased spread whatever the batch."""
    measured = SourceStatistics.measure(
        goldens.backbone(common), goldens.inputs(common["source_images_u8"]).split(batch)
    )
    np.testing.assert_allclose(measured.std, common["source_std"], atol=1e-5)
    np.testing.assert_allclose(measured.mean, common["source_mean"], atol=1e-5)


@pytest.mark.parametrize("name", ["mgg_seed0_n96", "mgg_seed0_n1000", "mgg_seed1_n96"])
def test_generator_deployed(shared: Path, name: str) -> None:
    """Twelve steps of the generator alone: updates, memory and moments."""
    golden = goldens.load(shared, name)
    transform = meta_gradient(goldens.generator(golden, "param/"))
    with torch.no_grad():
        state = transform.init({"p": torch.from_numpy(golden["grads"][0])})
        for t, gradient in enumerate(golden["grads"]):
            updates, state = transform.update({"p": torch.from_numpy(gradient)}, state)
            np.testing.assert_allclose(updates["p"], golden["outputs"][t], atol=GENERATED)
    for field in ("W", "b", "m", "v"):
        np.testing.assert_allclose(getattr(state, field), golden[field], rtol=1e-4, atol=GENERATED)


@pytest.mark.parametrize("step", [0, 1, 2])
def test_generator_backward(shared: Path, step: int) -> None:
    """The derivative of one step by the 164 numbers, in float64; the initial memory counts at step 0 only."""
    golden = goldens.load(shared, "mgg_vjp_seed0_n96")
    generator = goldens.generator(golden, "param/").double()
    W, b = (torch.from_numpy(golden[f"{name}_in{step}"]).double() for name in ("W", "b"))
    if step == 0:
        W, b = generator.W0.expand_as(W), generator.b0.expand_as(b)
    u, _, _ = generator(torch.from_numpy(golden["inputs"][step]).double(), W, b)
    u.backward(torch.from_numpy(golden["upstream"][step]).double())
    for symbol, (name, shape) in OFFICIAL.items():
        gradient, key = generator.get_parameter(symbol).grad, f"grad{step}/{PREFIX}{name}"
        assert (gradient is None) == (key not in golden), symbol
        if gradient is not None:
            np.testing.assert_allclose(gradient.reshape(shape), golden[key], rtol=1e-9, atol=1e-12, err_msg=symbol)


def replay(method: Method, common: goldens.Golden, golden: goldens.Golden) -> list[dict[str, float]]:
    """Steps through the six batches and compares logits and norm parameters after each."""
    stats = []
    for t, pictures in enumerate(common["images_u8"]):
        step = method.step(goldens.inputs(pictures))
        np.testing.assert_allclose(step.logits, golden["logits"][t], atol=LOGITS)
        norm = torch.cat([p.detach().flatten() for p in method.parameters().values()])
        np.testing.assert_allclose(norm, golden["norm"][t], atol=NORMS)
        stats.append(dict(step.stats))
    return stats


@pytest.mark.parametrize("name", ["mgtta_tiny_vit", "mgtta_tiny_vit_lr2e-2"])
def test_mgtta(shared: Path, common: goldens.Golden, name: str) -> None:
    """The whole update, at the paper's rate and at a larger one, with loss terms and the memory at the end."""
    golden = goldens.load(shared, name)
    method = METHODS["mgtta"](
        goldens.backbone(common),
        generator=goldens.generator(golden, "mgg/"),
        statistics=goldens.statistics(common),
        lr=float(golden["adapt_lr"]),
        discrepancy_weight=float(golden["fitness_lambda"]),
    )
    stats = replay(method, common, golden)
    np.testing.assert_allclose([s["entropy"] for s in stats], golden["ent"], atol=1e-4)
    np.testing.assert_allclose([s["discrepancy"] for s in stats], golden["disc"], rtol=1e-4)
    state = method.state_dict()
    for field in ("W", "b"):
        np.testing.assert_allclose(state[f"state.{field}"], golden[field], rtol=1e-4, atol=GENERATED)


def test_tent(shared: Path, common: goldens.Golden) -> None:
    """Entropy minimization with momentum."""
    golden = goldens.load(shared, "tent_tiny_vit")
    lr, momentum = float(golden["lr"]), float(golden["momentum"])
    replay(METHODS["tent"](goldens.backbone(common), lr=lr, momentum=momentum), common, golden)


def test_sgd(shared: Path, common: goldens.Golden) -> None:
    """MGTTA without its generator, with the loss of each step."""
    golden = goldens.load(shared, "foa_sgd_tiny_vit")
    weight = float(golden["fitness_lambda"])
    method = METHODS["sgd"](
        goldens.backbone(common),
        statistics=goldens.statistics(common),
        lr=float(golden["lr"]),
        discrepancy_weight=weight,
    )
    stats = replay(method, common, golden)
    np.testing.assert_allclose([s["entropy"] + s["discrepancy"] for s in stats], golden["loss"], rtol=1e-4)


def test_none(common: goldens.Golden) -> None:
    """No adaptation answers with the source model."""
    method = METHODS["none"](goldens.backbone(common))
    logits = [method.step(goldens.inputs(pictures)).logits.numpy() for pictures in common["images_u8"]]
    np.testing.assert_allclose(logits, common["noadapt_logits"], atol=LOGITS)


def test_pretraining(shared: Path, common: goldens.Golden) -> None:
    """Two episodes of eight steps: losses, the model's drift and the generator after each of Adam's steps."""
    golden = goldens.load(shared, "mgg_train_tiny_vit")
    pretraining = Pretraining(
        goldens.backbone(common),
        goldens.generator(golden, "mgg/"),
        goldens.statistics(common),
        lr=float(golden["adapt_lr"]),
        meta_lr=float(golden["train_lr"]),
    )
    batches = goldens.inputs(common["images_u8"][:2].reshape(8, 2, 3, 32, 32))
    names = [str(name) for name in golden["phi_names"]]
    for t in range(len(golden["loss"])):
        if t % 8 == 0:
            pretraining.begin_episode()
        lesson = pretraining.step(batches[t % 8])
        np.testing.assert_allclose(lesson.loss, golden["loss"][t], rtol=1e-4)
        np.testing.assert_allclose(lesson.logits, golden["logits"][t], atol=LOGITS)
        np.testing.assert_allclose(goldens.norms(pretraining.backbone), golden["norm"][t], atol=NORMS)
        official = pretraining.generator.official()
        phi = torch.cat([official[name].flatten() for name in names])
        np.testing.assert_allclose(phi, golden["phi"][t], atol=GENERATED)
