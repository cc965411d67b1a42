"""What travels with the project is what its manifest says."""

from __future__ import annotations

import math

import pytest

from mgtta import MetaGradientGenerator, SourceStatistics, norm_parameters
from mgtta.recurrent import RecurrentGenerator
from mgtta_models import files, load_backbone, shipped

MB = 2**20


@pytest.mark.parametrize("entry", shipped.manifest(), ids=lambda entry: entry.file)
def test_hashes_and_cards(entry: shipped.Entry) -> None:
    """The file is there, is the one that was listed, and says itself how it was made."""
    assert files.sha256(entry.path) == entry.sha256
    card = files.read(entry.path).card
    assert card["license"] == entry.license == "Apache-2.0"
    assert card["command"] == entry.command
    assert card.get("model_digest", entry.digest) == entry.digest


def test_nothing_else_is_shipped() -> None:
    """Every checkpoint is listed."""
    found = {path.name for path in shipped.FOLDER.glob("*.safetensors")}
    assert found == {entry.file for entry in shipped.manifest()}


def test_the_embedded_model_is_complete() -> None:
    """At most 12 MB; its own statistics and generator are found by its weights."""
    backbone = load_backbone("demo")
    assert shipped.backbone().stat().st_size <= 12 * MB
    assert len(backbone.classes) >= 16
    statistics = shipped.statistics(backbone.digest)
    assert statistics is not None
    SourceStatistics.load(statistics).fits(backbone)
    assert SourceStatistics.load(statistics).fisher.keys() == norm_parameters(backbone).keys()
    assert 0 < (SourceStatistics.load(statistics).entropy or 0) < math.log(len(backbone.classes)) / 4
    for kind in ("generator", "lstm"):
        assert files.read(shipped.generator(backbone.digest, kind)).card["model_digest"] == backbone.digest


def test_any_other_model_gets_the_generator_of_vit_tiny() -> None:
    """Its 164 numbers fit any model; statistics do not, and none are given."""
    path = shipped.generator("some other weights")
    assert files.read(path).card["model"] == shipped.UNIVERSAL
    MetaGradientGenerator.from_official(files.read(path).tensors)
    RecurrentGenerator.from_official(files.read(shipped.generator("some other weights", "lstm")).tensors)
    assert shipped.statistics("some other weights") is None
