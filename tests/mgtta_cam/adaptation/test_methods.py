"""Methods for a model, with what they need."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mgtta import METHODS, MetaGradientGenerator, SourceStatistics
from mgtta.guard import Guarded
from mgtta.live import FromMemory
from mgtta.recurrent import RecurrentGenerator
from mgtta.statistics import measure_fisher
from mgtta_cam.adaptation.methods import (
    alive,
    asked,
    check_method,
    deployed,
    guarded,
    method,
    methods,
    provenance,
    with_files,
)
from mgtta_cam.config.method_spec import parse
from mgtta_cam.config.settings import Settings
from mgtta_cam.errors import UsageError
from mgtta_models import Backbone, ModelError, files, load_backbone
from tests.mgtta_cam.tiny import write_model


@pytest.fixture
def backbone(tmp_path: Path) -> Backbone:
    """The tiny model."""
    return load_backbone("tiny", write_model(tmp_path / "tiny.safetensors"))


@pytest.fixture
def settings(tmp_path: Path, backbone: Backbone) -> Settings:
    """MGTTA with a generator and statistics, importances among them, of the tiny model."""
    generator, statistics = tmp_path / "mgg.safetensors", tmp_path / "stats.safetensors"
    files.write(generator, MetaGradientGenerator(seed=1).official(), {})
    x = [torch.randn(8, 3, 32, 32)]
    replace(SourceStatistics.measure(backbone, x), fisher=measure_fisher(backbone, x)).save(statistics)
    return Settings(method="mgtta", mgg=generator, stats=statistics)


def test_every_method_can_be_built_and_learns_or_not(settings: Settings, backbone: Backbone) -> None:
    """One after the other on the same model, each after a reset of the one before; some leave its weights alone."""
    window = torch.randn(4, 3, 32, 32)
    builders = methods(settings, backbone)
    unsure = ("sar", "deyo", "eata")  # the tiny model is never sure enough for their filters
    assert list(builders) == list(METHODS)
    for name, build in builders.items():
        method = build()
        before = {key: value.clone() for key, value in method.parameters().items()}
        method.step(window)
        changed = any(not torch.equal(before[key], value) for key, value in method.parameters().items())
        assert changed == (name not in ("none", "lame", "t3a", *unsure)), name
        method.reset()
        assert all(torch.equal(before[key], value) for key, value in method.parameters().items())


def test_live_options(settings: Settings, backbone: Backbone) -> None:
    """A guard and a memory around a method, as its spec asks for them; the paper has no guard."""
    alone = alive(settings, backbone, parse("tent"), 4)
    assert not isinstance(alone, Guarded | FromMemory)
    watched = alive(settings, backbone, parse("tent:guard=warn"), 4)
    assert isinstance(watched, Guarded)
    assert watched.mode == "warn"
    assert isinstance(alive(settings, backbone, parse("tent:guard=warn:memory=balanced"), 4), FromMemory)
    assert guarded(replace(settings, paper=True), backbone)(alone).mode == "off"


def test_the_rate_is_that_of_the_chosen_method(settings: Settings, backbone: Backbone) -> None:
    """--lr does not reach the methods that the key m goes to."""
    builders = methods(replace(settings, method="tent", lr=0.5), backbone)
    assert getattr(builders["tent"](), "lr", None) == 0.5
    assert getattr(builders["sgd"](), "lr", None) == 5e-3


def test_a_model_without_statistics(backbone: Backbone) -> None:
    """The command that makes them is in the message."""
    for name in ("sgd", "mgtta", "mgtta-lstm", "foa", "foa-bp", "eata"):
        with pytest.raises(ModelError, match="mgtta-cam stats --model vit_base_patch16_224 --images DIR"):
            methods(Settings(), backbone)[name]()


def test_statistics_without_importances(settings: Settings, backbone: Backbone, tmp_path: Path) -> None:
    """A file from before they were measured serves every method but EATA, which says what to do."""
    old = tmp_path / "old.safetensors"
    assert settings.stats is not None
    replace(SourceStatistics.load(settings.stats), fisher={}).save(old)
    builders = methods(replace(settings, stats=old), backbone)
    builders["sgd"]()
    with pytest.raises(ModelError, match=r"no Fisher importances: measure them once with `mgtta-cam stats"):
        builders["eata"]()


def test_each_generator_fits_its_method_only(settings: Settings, backbone: Backbone, tmp_path: Path) -> None:
    """The LSTM's file is not the Meta Gradient Generator's, and the other way round."""
    lstm = tmp_path / "lstm.safetensors"
    files.write(lstm, RecurrentGenerator(seed=1).official(), {})
    method(settings, backbone, parse(f"mgtta-lstm:mgg={lstm}"))
    with pytest.raises(ModelError, match="learnable_token_idx is missing"):
        method(settings, backbone, parse(f"mgtta:mgg={lstm}"))
    own = replace(settings, method="mgtta")
    method(own, backbone, parse("mgtta-lstm"))
    assert with_files(own, parse("mgtta")).mgg == settings.mgg
    assert with_files(own, parse("mgtta-lstm")).mgg is None
    with pytest.raises(ModelError, match="pretrain --method mgtta-lstm"):
        method(settings, backbone, parse(f"mgtta-lstm:mgg={settings.mgg}"))


def test_larger_first_steps_are_those_of_the_generators_card(
    settings: Settings, backbone: Backbone, tmp_path: Path
) -> None:
    """Chosen for this very model, they are the default; a rate or a boost of one's own, or --paper, put them off."""
    own, foreign = tmp_path / "own.safetensors", tmp_path / "foreign.safetensors"
    for path, digest in ((own, backbone.digest), (foreign, "of another model")):
        files.write(path, MetaGradientGenerator(seed=1).official(), {"boost": "4", "model_digest": digest})
    settings = replace(settings, mgg=own)
    assert str(deployed(settings, backbone, asked(settings))) == "mgtta:boost=4.0"
    for text in ("mgtta:lr=0.002", "mgtta:boost=2.0", f"mgtta:mgg={foreign}", "sgd", "tent"):
        assert deployed(settings, backbone, parse(text)) == parse(text)
    assert deployed(replace(settings, paper=True), backbone, parse("mgtta")) == parse("mgtta")
    assert deployed(replace(settings, lr=0.01), backbone, asked(replace(settings, lr=0.01))) == parse("mgtta:lr=0.01")
    window, learned = torch.randn(4, 3, 32, 32), []
    for text in ("mgtta", "mgtta:boost=4", "mgtta:boost=1"):
        learner = method(settings, backbone, parse(text))
        learner.step(window)
        learned.append(torch.cat([p.detach().clone().flatten() for p in learner.parameters().values()]))
        learner.reset()
    assert torch.equal(learned[0], learned[1])
    assert not torch.equal(learned[0], learned[2])


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
