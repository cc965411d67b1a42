"""Equal to the reference implementations, within the tolerances that the goldens' README gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mgtta import METHODS, SourceStatistics, meta_gradient
from mgtta.generator import OFFICIAL, PREFIX, WIDTH
from mgtta.logits import entropy
from mgtta.methods.deyo import shuffle
from mgtta.methods.foa_evolution import Evolution
from mgtta.parameters import flatten
from mgtta.recurrent import RecurrentGenerator, recurrent_gradient
from mgtta.statistics import measure_fisher
from mgtta.training import Pretraining
from mgtta_models import Backbone
from tests import goldens
from tests.arithmetic import doubled, exact

pytestmark = pytest.mark.golden
# Absolute tolerances. All goldens are met within them with the operands of each operation off by 3.5 units in the last
# place (`tests.arithmetic`), more than summing up TERMS numbers one after another makes of them.
LOGITS, NORMS, GENERATED = 1e-4, 1e-5, 1e-4
TERMS = 3 * 8 * 8  # of the longest sum: a patch's pixels


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
    source = goldens.inputs(common["source_images_u8"])

    def wide() -> dict[str, Tensor]:
        features = doubled(goldens.backbone(common))(source.double()).features.double().flatten(1)
        return {"std": features.std(dim=0), "mean": features.mean(dim=0)}

    with torch.no_grad():
        expected = exact(wide, terms=TERMS)
    for name in ("std", "mean"):
        expected[name].assert_near(getattr(measured, name), name)
        expected[name].assert_near(torch.from_numpy(common[f"source_{name}"]), f"golden {name}")


@pytest.mark.parametrize("name", ["mgg_seed0_n96", "mgg_seed0_n1000", "mgg_seed1_n96"])
def test_generator_deployed(shared: Path, name: str) -> None:
    """Twelve steps of the generator alone: updates, memory and moments."""
    golden = goldens.load(shared, name)

    @torch.no_grad()
    def results(dtype: torch.dtype) -> dict[str, Tensor]:
        transform = meta_gradient(goldens.generator(golden, "param/").to(dtype))
        gradients, outputs = torch.from_numpy(golden["grads"]).to(dtype), []
        state = transform.init({"p": gradients[0]})
        for gradient in gradients:
            updates, state = transform.update({"p": gradient}, state)
            outputs.append(updates["p"])
        return {"outputs": torch.stack(outputs), **{field: getattr(state, field) for field in ("W", "b", "m", "v")}}

    expected = exact(lambda: results(torch.float64), terms=WIDTH)
    for field, found in results(torch.float32).items():
        expected[field].assert_near(found, field)
        expected[field].assert_near(torch.from_numpy(golden[field]), f"golden {field}")


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


def numbers(golden: goldens.Golden, **keys: str) -> dict[str, float]:
    """Options of a method from a golden's numbers: option=key."""
    return {option: float(golden[key]) for option, key in keys.items()}


def replay(
    method: Any,
    common: goldens.Golden,
    golden: goldens.Golden,
    backbone: Backbone | None = None,
    given: Sequence[Mapping[str, Tensor]] = ({},) * 6,
) -> list[dict[str, float]]:
    """Steps through the six batches and compares logits and all norm parameters (of the backbone, if given) after each.

    Args:
        method: what is under test.
        common: pictures.
        golden: what the reference gave.
        backbone: the method's model, where it adapts fewer parameters than all norms.
        given: for each batch, what the step gets in the place of random draws.
    """
    stats = []
    for t, pictures in enumerate(common["images_u8"]):
        step = method.step(goldens.inputs(pictures), **given[t])
        np.testing.assert_allclose(step.logits, golden["logits"][t], atol=LOGITS)
        norm = goldens.norms(backbone) if backbone else flatten(method.parameters()).detach()
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
        **numbers(golden, lr="adapt_lr", discrepancy_weight="fitness_lambda"),
    )
    stats = replay(method, common, golden)
    np.testing.assert_allclose([s["entropy"] for s in stats], golden["ent"], atol=1e-4)
    np.testing.assert_allclose([s["discrepancy"] for s in stats], golden["disc"], rtol=1e-4)
    state = method.state_dict()
    for field in ("W", "b"):
        np.testing.assert_allclose(state[f"state.optimizer.{field}"], golden[field], rtol=1e-4, atol=GENERATED)


def test_tent(shared: Path, common: goldens.Golden) -> None:
    """Entropy minimization with momentum."""
    golden = goldens.load(shared, "tent_tiny_vit")
    lr, momentum = float(golden["lr"]), float(golden["momentum"])
    replay(METHODS["tent"](goldens.backbone(common), lr=lr, momentum=momentum), common, golden)


def test_tent_among_some_classes(shared: Path, common: goldens.Golden) -> None:
    """Where classes are left out, entropy is that of the classes that are left."""
    golden = goldens.load(shared, "tent_mask_tiny_vit")
    backbone = goldens.backbone(common)
    backbone.restrict(np.flatnonzero(golden["mask"]).tolist())
    replay(METHODS["tent"](backbone, lr=float(golden["lr"]), momentum=float(golden["momentum"])), common, golden)


def test_foa_bp(shared: Path, common: goldens.Golden) -> None:
    """Shifted answers from the second window on, and the average that was met."""
    golden = goldens.load(shared, "foa_bp_tiny_vit")
    method = METHODS["foa-bp"](
        goldens.backbone(common),
        statistics=goldens.statistics(common),
        **numbers(golden, lr="lr", momentum="momentum", discrepancy_weight="fitness_lambda"),
    )
    replay(method, common, golden)
    np.testing.assert_allclose(method.state_dict()["state.objective.mean"], golden["hist"][-1], atol=1e-5)


@pytest.mark.parametrize("variant", ["foa", "original"])
@pytest.mark.parametrize("margin", ["", "_strict"])
def test_sar(shared: Path, common: goldens.Golden, variant: str, margin: str) -> None:
    """Both variants; windows without a reliable picture, and a margin that hardly any picture meets."""
    golden = goldens.load(shared, f"sar_{variant.removesuffix('inal')}{margin}_tiny_vit")
    backbone = goldens.backbone(common)
    method = METHODS["sar"](
        backbone,
        **numbers(golden, margin_nats="margin", rho="rho", lr="lr", momentum="momentum"),
        variant=variant,
    )
    assert list(method.parameters()) == golden["adapted_names"].tolist()
    for t, stats in enumerate(replay(method, common, golden, backbone)):
        assert stats["reliable"] == golden["n1"][t]
    np.testing.assert_allclose(method.state_dict()["state.ema"], golden["ema"][-1], rtol=1e-4)


@pytest.mark.parametrize("variant", ["foa", "original"])
def test_sar_recovers_as_published(shared: Path, common: goldens.Golden, variant: str) -> None:
    """A model that is too sure returns to the source; momentum and low average stay, as the authors have it."""
    golden = goldens.load(shared, f"sar_{variant.removesuffix('inal')}_reset_tiny_vit")
    batches = [
        common["images_u8"][i] if i < 100 else common["source_images_u8"][8 * (i - 100) : 8 * (i - 99)]
        for i in golden["batch_index"]
    ]

    def run(published: bool) -> list[float]:
        backbone = goldens.backbone(common)
        with torch.no_grad():
            for parameter in backbone.vit.head.parameters():
                parameter *= float(golden["head_scale"])
        method = METHODS["sar"](
            backbone,
            **numbers(golden, margin_nats="margin", rho="rho", lr="lr", momentum="momentum"),
            variant=variant,
            published=published,
        )
        distances = []
        for t, pictures in enumerate(batches):
            step = method.step(goldens.inputs(pictures))
            if published:
                np.testing.assert_allclose(step.logits, golden["logits"][t], atol=LOGITS)
                assert ("recovered" in step.stats) == bool(golden["reset"][t])
                np.testing.assert_allclose(method.state_dict()["state.ema"], golden["ema"][t], rtol=1e-4)
            elif "recovered" in step.stats:
                state = method.state_dict()
                assert state["state.ema"].isnan()
                assert not state["state.optimizer.velocity"].any()
            distances.append(float(np.abs(goldens.norms(backbone) - golden["norm"][t]).max()))
        return distances

    assert max(run(published=True)) < NORMS
    assert max(run(published=False)) > 100 * NORMS


def test_eata(shared: Path, common: goldens.Golden) -> None:
    """Fisher importances from clean pictures, both filters, the anchor."""
    golden = goldens.load(shared, "eata_tiny_vit")
    backbone = goldens.backbone(common)
    fisher = measure_fisher(backbone, goldens.inputs(common["source_images_u8"]).split(8))
    np.testing.assert_allclose(flatten(fisher), golden["fisher"], rtol=1e-3, atol=1e-9)
    method = METHODS["eata"](
        backbone,
        fisher=fisher,
        **numbers(
            golden,
            margin_nats="e_margin",
            redundancy="d_margin",
            fisher_weight="fisher_alpha",
            lr="lr",
            momentum="momentum",
        ),
    )
    counts = [[stats["reliable"], stats["kept"]] for stats in replay(method, common, golden)]
    np.testing.assert_array_equal(counts, golden["counts"])
    np.testing.assert_allclose(method.state_dict()["state.objective.q"], golden["probs"][-1], atol=1e-5)


@pytest.mark.parametrize("variant", ["mgtta", "original"])
def test_deyo(shared: Path, common: goldens.Golden, variant: str) -> None:
    """Both scopes, with the reference's shuffles."""
    golden = goldens.load(shared, "deyo_tiny_vit" if variant == "mgtta" else "deyo_orig_tiny_vit")
    backbone = goldens.backbone(common)
    method = METHODS["deyo"](
        backbone,
        **numbers(
            golden,
            entropy_margin_nats="tau_ent",
            weight_margin_nats="ent0",
            plpd_margin="plpd",
            lr="lr",
            momentum="momentum",
        ),
        variant=variant,
    )
    given = [{"permutation": torch.from_numpy(permutation)} for permutation in golden["perm"]]
    counts = [[stats["reliable"], stats["kept"]] for stats in replay(method, common, golden, backbone, given)]
    np.testing.assert_array_equal(counts, golden["counts"])


def test_deyo_shuffles(shared: Path, common: goldens.Golden) -> None:
    """Patch j of a shuffled picture is source patch permutation[j]."""
    golden = goldens.load(shared, "deyo_tiny_vit")
    with torch.no_grad():
        certain = entropy(goldens.backbone(common)(goldens.inputs(common["images_u8"][0])).logits) < float(
            golden["tau_ent"]
        )
    x = torch.from_numpy(common["images_u8"][0]).float()[certain]
    shuffled = shuffle(x, torch.from_numpy(golden["perm"][0]))
    np.testing.assert_array_equal(shuffled, golden["xprime_u8"][0][: len(x)])


@pytest.mark.parametrize("supports", [20, 3])
def test_t3a(shared: Path, common: goldens.Golden, supports: int) -> None:
    """Answers, and the supports that are left at the end."""
    golden = goldens.load(shared, f"t3a_k{supports}_tiny_vit")
    method = METHODS["t3a"](goldens.backbone(common), supports=supports)
    for t, pictures in enumerate(common["images_u8"]):
        step = method.step(goldens.inputs(pictures))
        np.testing.assert_allclose(step.logits, golden["logits"][t], atol=LOGITS)
        assert step.stats["supports"] == golden["n_supports"][t]
    state = method.state_dict()
    np.testing.assert_allclose(state["state.features"], golden["supports"], atol=1e-4)
    np.testing.assert_array_equal(state["state.labels"], golden["labels"])
    np.testing.assert_allclose(state["state.entropies"], golden["ent"], atol=1e-4)


@pytest.mark.parametrize("neighbors", [5, 2])
def test_lame(shared: Path, common: goldens.Golden, neighbors: int) -> None:
    """Probabilities smoothed over neighbors."""
    golden = goldens.load(shared, f"lame_k{neighbors}_tiny_vit")
    method = METHODS["lame"](goldens.backbone(common), neighbors=neighbors)
    for t, pictures in enumerate(common["images_u8"]):
        np.testing.assert_allclose(method.step(goldens.inputs(pictures)).logits, golden["logits"][t], atol=LOGITS)


def test_cotta(shared: Path, common: goldens.Golden) -> None:
    """Student, teacher and restored weights, with the reference's draws; no augmentation."""
    golden = goldens.load(shared, "cotta_tiny_vit")
    method: Any = METHODS["cotta"](
        goldens.backbone(common),
        **numbers(golden, lr="lr", momentum="momentum", ema="alpha"),
        augment_below=0,
    )
    assert [f"vit.{name}" for name in method.parameters()] == [f"vit.{name}" for name in golden["order"]]
    total = sum(p.numel() for p in method.parameters().values())
    restored = torch.from_numpy(np.unpackbits(golden["restore"], axis=1)[:, :total].astype(bool))
    for t, pictures in enumerate(common["images_u8"]):
        step = method.step(goldens.inputs(pictures), restored=restored[t])
        np.testing.assert_allclose(step.logits, golden["logits"][t], atol=LOGITS)
        np.testing.assert_allclose(goldens.norms(method.student), golden["norm"][t], atol=NORMS)
    student = flatten(dict(method.student.vit.named_parameters())).detach()
    np.testing.assert_allclose(student, golden["final_student"], atol=NORMS)
    np.testing.assert_allclose(method.state_dict()["teaching.teacher"], golden["final_teacher"], atol=NORMS)


def test_cotta_augmented(shared: Path, common: goldens.Golden) -> None:
    """The teacher's answer is the mean over augmented windows."""
    golden = goldens.load(shared, "cotta_aug_tiny_vit")
    method: Any = METHODS["cotta"](goldens.backbone(common), lr=float(golden["lr"]), restore=0.0)
    for t, augmented in enumerate(golden["aug_u8"]):
        pictures = goldens.inputs(common["images_u8"][t])
        step = method.step(pictures, augmentations=goldens.inputs(augmented))
        np.testing.assert_allclose(step.logits, golden["logits"][t], atol=LOGITS)
        np.testing.assert_allclose(goldens.norms(method.student), golden["norm"][t], atol=NORMS)


def test_foa(shared: Path, common: goldens.Golden) -> None:
    """Fitness, shift and choice for the reference's candidates."""
    golden = goldens.load(shared, "foa_tiny_vit")
    method: Any = METHODS["foa"](
        goldens.backbone(common),
        statistics=goldens.statistics(common),
        prompts=int(golden["num_prompts"]),
        population=int(golden["popsize"]),
        discrepancy_weight=float(golden["fitness_lambda"]),
    )
    for t, pictures in enumerate(common["images_u8"]):
        step = method.step(goldens.inputs(pictures), candidates=torch.from_numpy(golden["cand"][t]))
        np.testing.assert_allclose(step.logits, golden["logits"][t], atol=LOGITS)
        np.testing.assert_allclose(step.stats["loss"], golden["losses"][t].min(), rtol=1e-4)
        best = golden["cand"][t][golden["best"][t]]
        np.testing.assert_allclose(method.parameters()["prompts"].detach().flatten(), best, atol=1e-6)
    np.testing.assert_allclose(method.state_dict()["state.mean"], golden["hist"][-1], atol=1e-4)


def test_evolution(shared: Path) -> None:
    """The search, with draws of its own, asks for what pycma with a global seed asks for, and learns as it does."""
    golden = goldens.load(shared, "foa_tiny_vit")
    search = Evolution(golden["cand"].shape[2], 1.0, int(golden["popsize"]), int(golden["seed"]))
    for t, candidates in enumerate(golden["cand"]):
        np.testing.assert_allclose(search.ask(), candidates[:-1], atol=1e-5)
        search.tell(list(candidates.astype(np.float64)), golden["losses"][t].tolist())
        np.testing.assert_allclose(search.sigma, golden["sigma"][t], rtol=1e-5)


def test_lstm(shared: Path) -> None:
    """Twelve steps of the LSTM generator alone."""
    golden = goldens.load(shared, "lstm_seed0_n96")
    transform = recurrent_gradient(RecurrentGenerator.from_official(goldens.tensors(golden, "param/")))
    with torch.no_grad():
        state = transform.init({"p": torch.from_numpy(golden["grads"][0])})
        for t, gradient in enumerate(golden["grads"]):
            updates, state = transform.update({"p": torch.from_numpy(gradient)}, state)
            np.testing.assert_allclose(updates["p"], golden["outputs"][t], atol=GENERATED)
    np.testing.assert_allclose(state.h, golden["h"], atol=GENERATED)
    np.testing.assert_allclose(state.c, golden["c"], atol=GENERATED)


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
    batches = goldens.inputs(common["images_u8"][:2].reshape(8, 2, 3, 32, 32))
    names = [str(name) for name in golden["phi_names"]]

    def results(backbone: Backbone) -> dict[str, Tensor]:
        pretraining = Pretraining(
            backbone,
            goldens.generator(golden, "mgg/").to(backbone.dtype),
            goldens.statistics(common),
            lr=float(golden["adapt_lr"]),
            meta_lr=float(golden["train_lr"]),
        )
        found: dict[str, list[Tensor]] = {"loss": [], "logits": [], "norm": [], "phi": []}
        for t in range(len(golden["loss"])):
            if t % 8 == 0:
                pretraining.begin_episode()
            step = pretraining.step(batches[t % 8].to(backbone.dtype))
            official = pretraining.generator.official()
            found["loss"].append(torch.tensor(step.loss))
            found["logits"].append(step.logits)
            found["norm"].append(torch.from_numpy(goldens.norms(backbone)))
            found["phi"].append(torch.cat([official[name].flatten() for name in names]))
        return {name: torch.stack(each) for name, each in found.items()}

    expected = exact(lambda: results(doubled(goldens.backbone(common))), terms=TERMS)  # Adam divides what is near zero
    for name, found in results(goldens.backbone(common)).items():
        expected[name].assert_near(found, name)
        expected[name].assert_near(torch.from_numpy(golden[name]), f"golden {name}")
