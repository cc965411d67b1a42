"""Methods for a model, with what they need."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from app.config import Settings
from app.errors import UsageError
from app.learning import check_method, methods, provenance
from mgtta import METHODS, MetaGradientGenerator, SourceStatistics
from models import Backbone, ModelError, files, load_backbone
from tests.app.tiny import write_model


@pytest.fixture
def backbone(tmp_path: Path) -> Backbone:
    """The tiny model."""
    return load_backbone("tiny", write_model(tmp_path / "tiny.safetensors"))


@pytest.fixture
def settings(tmp_path: Path, backbone: Backbone) -> Settings:
    """MGTTA with a generator and statistics of the tiny model."""
    generator, statistics = tmp_path / "mgg.safetensors", tmp_path / "stats.safetensors"
    files.write(generator, MetaGradientGenerator(seed=1).official(), {})
    SourceStatistics.measure(backbone, [torch.randn(8, 3, 32, 32)]).save(statistics)
    return Settings(method="mgtta", mgg=generator, stats=statistics)


def test_every_method_can_be_built_and_learns_or_not(settings: Settings, backbone: Backbone) -> None:
    """One after the other on the same model, each after a reset of the one before; only `none` leaves it as it is."""
    window = torch.randn(4, 3, 32, 32)
    builders = methods(settings, backbone)
    assert list(builders) == list(METHODS)
    for name, build in builders.items():
        method = build()
        before = {key: value.clone() for key, value in method.parameters().items()}
        method.step(window)
        changed = any(not torch.equal(before[key], value) for key, value in method.parameters().items())
        assert changed == (name != "none"), name
        method.reset()
        assert all(torch.equal(before[key], value) for key, value in method.parameters().items())


def test_the_rate_is_that_of_the_chosen_method(settings: Settings, backbone: Backbone) -> None:
    """--lr does not reach the methods that the key m goes to."""
    builders = methods(replace(settings, method="tent", lr=0.5), backbone)
    assert getattr(builders["tent"](), "lr", None) == 0.5
    assert getattr(builders["sgd"](), "lr", None) == 5e-3


def test_a_model_without_statistics(backbone: Backbone) -> None:
    """The command that makes them is in the message."""
    with pytest.raises(ModelError, match="mgtta-cam stats --model vit_base_patch16_224 --images DIR"):
        methods(Settings(), backbone)["sgd"]()


def test_provenance_names_what_was_used(settings: Settings, backbone: Backbone) -> None:
    """Hashes of generator and statistics, for the methods that want them."""
    assert settings.stats is not None
    assert provenance(settings, backbone).keys() == {"generator", "statistics"}
    assert provenance(replace(settings, method="sgd"), backbone) == {"statistics": files.sha256(settings.stats)}
    assert provenance(replace(settings, method="tent"), backbone) == {}


def test_check_method() -> None:
    """Unknown names and rates without use are refused."""
    with pytest.raises(UsageError, match=r"nearest: mgtta\); known: none"):
        check_method(Settings(method="mgta"))
    with pytest.raises(UsageError, match="--lr"):
        check_method(Settings(method="none", lr=0.1))
    check_method(Settings(method="tent", lr=0.1))
