"""The generator beyond the goldens: memory, files, errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mgtta import MetaGradientGenerator, SourceStatistics, generator, meta_gradient
from mgtta.generator import OFFICIAL, PREFIX, differentiable_meta_gradient
from mgtta_models import ModelError, files
from tests.arithmetic import exact


def test_it_has_164_numbers() -> None:
    """As many as the paper's, in 13 arrays."""
    own = MetaGradientGenerator(0)
    assert sum(p.numel() for p in own.parameters()) == 164
    assert {name: tuple(t.shape) for name, t in own.official().items()} == {
        PREFIX + name: shape for name, shape in OFFICIAL.values()
    }


def test_deployed_and_trained_steps_are_one() -> None:
    """The deployed transform gives the numbers of the one that is trained, and never a graph."""
    gradients = {"a": torch.randn(50)}
    network = MetaGradientGenerator(3)
    transform, differentiable = meta_gradient(network), differentiable_meta_gradient(network)
    fast, deployed = transform.update(gradients, transform.init(gradients))
    slow, trained = differentiable.update(gradients, differentiable.init(gradients))
    for _ in range(2):
        fast, deployed = transform.update(gradients, deployed)
        slow, trained = differentiable.update(gradients, trained)
    assert slow["a"].requires_grad
    assert not fast["a"].requires_grad

    def wide() -> list[torch.Tensor]:
        double = {"a": gradients["a"].double()}
        transform = meta_gradient(MetaGradientGenerator(3).double())
        updates, state = transform.update(double, transform.init(double))
        for _ in range(2):
            updates, state = transform.update(double, state)
        return [updates["a"], state.W]

    u, W = exact(wide, terms=generator.WIDTH).values()
    for updates, state in ((fast, deployed), (slow, trained)):
        u.assert_near(updates["a"])
        W.assert_near(state.W)


def test_state_may_be_made_with_gradients_and_used_without() -> None:
    """As a caller who knows nothing of either would; the learned initial memory is not written to."""
    transform = meta_gradient(network := MetaGradientGenerator(0))
    gradients = {"weight": torch.tensor([1.0, -2.0, 0.5])}
    before = network.W0.detach().clone()
    state = transform.init(gradients)
    with torch.no_grad():
        updates, _ = transform.update(gradients, state)
        expected, _ = transform.update(gradients, transform.init(gradients))
    torch.testing.assert_close(updates["weight"], expected["weight"], rtol=0, atol=0)
    assert torch.equal(network.W0, before)


def test_memory_of_vit_base() -> None:
    """38,400 scalars cost 11.06 MB of fast weights and 0.31 MB of moments, half of what the authors carry."""
    transform = meta_gradient(MetaGradientGenerator(0))
    with torch.no_grad():
        state = transform.init({"norms": torch.zeros(38_400)})
    fast = sum(t.numel() * t.element_size() for t in (state.W, state.b))
    rest = sum(t.numel() * t.element_size() for t in (state.m, state.v, state.t))
    assert fast == 38_400 * 72 * 4
    assert rest < 1_000_000


def test_update_is_bounded() -> None:
    """No scalar moves farther than the rate, whatever the gradient."""
    transform = meta_gradient(MetaGradientGenerator(2))
    with torch.no_grad():
        state = transform.init({"a": torch.zeros(4)})
        updates, _ = transform.update({"a": torch.tensor([1e30, -1e-30, 0.0, 1.0])}, state)
    assert updates["a"].abs().max() <= 1


def test_official_names_round_trip(tmp_path: Path) -> None:
    """Saved under the authors' names, read back with or without their prefix."""
    own = MetaGradientGenerator(5)
    files.write(tmp_path / "g.safetensors", own.official(), {})
    tensors = files.read(tmp_path / "g.safetensors").tensors
    bare = {name.removeprefix(PREFIX): tensor for name, tensor in tensors.items()}
    for mapping in (tensors, bare):
        again = MetaGradientGenerator.from_official(mapping)
        assert all(torch.equal(a, b) for a, b in zip(own.parameters(), again.parameters(), strict=True))


def test_wrong_arrays_are_rejected() -> None:
    """A missing array and a wrong shape are named."""
    arrays = MetaGradientGenerator(0).official()
    with pytest.raises(ModelError, match=r"o_proj\.weight is missing"):
        MetaGradientGenerator.from_official({k: v for k, v in arrays.items() if "o_proj" not in k})
    with pytest.raises(ModelError, match=r"W1 has shape \[1, 8, 8\]; got \[1, 4, 4\]"):
        MetaGradientGenerator.from_official({**arrays, PREFIX + "W1": torch.zeros(1, 4, 4)})


def test_seed_rules_initialization() -> None:
    """The same seed, the same generator; another seed, another."""
    a, b, c = (MetaGradientGenerator(seed).official()[PREFIX + "W1"] for seed in (1, 1, 2))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert a.shape[-1] == generator.WIDTH


def test_statistics_files(tmp_path: Path) -> None:
    """Statistics are saved with their card; a generator's file is not mistaken for them."""
    own = SourceStatistics(std=torch.ones(4), mean=torch.arange(4.0), card={"model": "x"})
    own.save(tmp_path / "s.safetensors")
    again = SourceStatistics.load(tmp_path / "s.safetensors")
    assert torch.equal(again.mean, own.mean)
    assert again.card["model"] == "x"
    assert again.entropy is None  # as in files of before
    replace(own, entropy=0.5).save(tmp_path / "s.safetensors")
    assert SourceStatistics.load(tmp_path / "s.safetensors").entropy == 0.5
    files.write(tmp_path / "g.safetensors", MetaGradientGenerator(0).official(), {})
    with pytest.raises(ModelError, match="no source statistics"):
        SourceStatistics.load(tmp_path / "g.safetensors")
    with pytest.raises(ValueError, match="one length"):
        SourceStatistics(std=torch.ones(3), mean=torch.ones(4))
