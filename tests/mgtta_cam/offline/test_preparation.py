"""From a folder of pictures to statistics and a generator; interrupted or not, the same file comes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from rich.console import Console
from timm.models.vision_transformer import VisionTransformer

from mgtta import MetaGradientGenerator, SourceStatistics
from mgtta.training import Generator, Pretraining, PretrainingStep
from mgtta_cam.corruptions import VALIDATION
from mgtta_cam.errors import SourceDamagedError, SourceError, UsageError
from mgtta_cam.offline.pictures import Selection, batches
from mgtta_cam.offline.pretraining import Recipe, chosen_boost, corrupted, pretrain_generator
from mgtta_cam.offline.statistics import measure_statistics
from mgtta_models import Backbone, files

RECIPE = Recipe(epochs=3, choose_every=2, boosts=(1.0, 2.0))


def backbone() -> Backbone:
    """A tiny model, always the same."""
    torch.manual_seed(0)
    return Backbone(VisionTransformer(img_size=32, patch_size=8, embed_dim=32, depth=2, num_heads=4, num_classes=5))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Eleven pictures in two folders, and a file that is not a picture."""
    rng = np.random.default_rng(0)
    for i in range(11):
        folder = tmp_path / "pictures" / f"class{i % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{i}.png"), rng.integers(0, 256, (40, 50, 3), dtype=np.uint8))
    (tmp_path / "pictures" / "broken.jpg").write_bytes(b"no picture")
    return tmp_path / "pictures"


@pytest.fixture
def console() -> Console:
    """A console whose output is recorded."""
    return Console(record=True, force_terminal=False)


def test_selections_of_one_seed_share_no_picture(pictures: Path) -> None:
    """Stretches of one shuffled folder are disjoint, repeatable, and together all of it."""
    a, b = Selection.draw(pictures, 6, 0, seed=1), Selection.draw(pictures, None, 6, seed=1)
    assert not set(a.paths) & set(b.paths)
    assert len(a.paths) + len(b.paths) == 12
    assert Selection.draw(pictures, 6, 0, seed=1) == a
    assert Selection.draw(pictures, 6, 0, seed=2) != a
    assert a.digest != b.digest


def test_bad_folders(pictures: Path, tmp_path: Path) -> None:
    """Folders that are missing, empty, too small, or without a decodable picture: each has its message."""
    (tmp_path / "empty").mkdir()
    only_broken = tmp_path / "broken"
    only_broken.mkdir()
    (only_broken / "a.jpg").write_bytes(b"")
    with pytest.raises(SourceError, match="not a folder"):
        Selection.draw(tmp_path / "absent", None, 0, 0)
    with pytest.raises(SourceError, match="no pictures"):
        Selection.draw(tmp_path / "empty", None, 0, 0)
    with pytest.raises(UsageError, match="has 12 pictures: too few for --count 10 after --skip 5"):
        Selection.draw(pictures, 10, 5, 0)
    with pytest.raises(SourceDamagedError, match="none of the 1 pictures"):
        list(Selection.draw(only_broken, None, 0, 0).images(lambda _: None))


def test_statistics_skip_what_does_not_decode(pictures: Path, console: Console) -> None:
    """A broken file is named and skipped; the card records what was measured."""
    found = measure_statistics(backbone(), Selection.draw(pictures, None, 0, 0), console)
    assert "broken.jpg" in console.export_text()
    assert found.std.shape == found.mean.shape == (2 * 32,)
    assert found.card["model_digest"] == backbone().digest
    assert len(found.card["pictures_digest"]) == 64


def test_corruptions_are_drawn_by_seed(pictures: Path, console: Console) -> None:
    """The same seed corrupts the same pictures in the same way."""
    chosen = Selection.draw(pictures, 6, 0, 0)
    a, b, c = (corrupted(backbone(), chosen, RECIPE.corruptions, 5, seed, console) for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def pretrain(pictures: Path, out: Path, console: Console, recipe: Recipe = RECIPE) -> Generator:
    """A short pre-training."""
    chosen, model = Selection.draw(pictures, 8, 0, 0), backbone()
    statistics = SourceStatistics(std=torch.ones(64), mean=torch.zeros(64))
    return pretrain_generator(model, statistics, chosen, recipe, 0, out, out.with_suffix(".progress"), console)


def test_pretraining_learns_and_says_how(pictures: Path, tmp_path: Path, console: Console) -> None:
    """The generator differs from its start, its file records the recipe, and no progress file is left."""
    generator = pretrain(pictures, tmp_path / "g.safetensors", console)
    start = MetaGradientGenerator(0)
    assert isinstance(generator, MetaGradientGenerator)
    assert not torch.equal(generator.Q, start.Q)
    assert not torch.equal(generator.W0, start.W0)
    card = files.read(tmp_path / "g.safetensors").card
    assert card["kind"] == "mgtta-cam generator"
    assert (card["seed"], card["epochs"], card["severity"]) == ("0", "3", "5")
    assert card["epoch"] in {"2", "3"}
    assert card["boost"] in {"1", "2"}
    assert list(tmp_path.glob("*.progress")) == []


def test_the_boost_is_the_last_one_until_which_the_loss_falls(
    pictures: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each boost is tried under each corruption, until the first that does not help."""
    model, chosen, tried = backbone(), Selection.draw(pictures, 8, 0, 0), list[float]()
    statistics = SourceStatistics(std=torch.ones(64), mean=torch.zeros(64))

    def choose(losses: dict[float, float]) -> float:
        def loss(*arguments: Any) -> float:
            windows, boost = list(arguments[3]), arguments[-1]
            assert [w.shape for w in windows] == [(8, 3, 32, 32)] * RECIPE.boost_passes
            tried.append(boost)
            return losses[boost]

        monkeypatch.setattr("mgtta_cam.offline.pretraining.deployed_loss", loss)
        tried.clear()
        return chosen_boost(model, MetaGradientGenerator(0), statistics, chosen, Recipe(), 0, console)

    assert choose({1: 3.0, 2: 2.0, 4: 1.0, 8: 1.5}) == 4
    assert tried == [boost for boost in (1, 2, 4, 8) for _ in VALIDATION]
    assert choose({1: 1.0, 2: 2.0}) == 1
    assert choose({1: 1.0, 2: float("nan")}) == 1
    assert choose({1: float("nan")}) == 1
    assert choose({1: 5.0, 2: 4.0, 4: 3.0, 8: 2.0}) == 8


def test_interrupted_pretraining_goes_on_identically(
    pictures: Path, tmp_path: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted pre-training that is resumed ends with the same numbers as an uninterrupted one."""
    whole = pretrain(pictures, tmp_path / "whole.safetensors", console)
    learn, steps = Pretraining.step, iter(range(5))  # an epoch has four steps

    def step(self: Pretraining, x: torch.Tensor) -> PretrainingStep:
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return learn(self, x)

    with monkeypatch.context() as patch:
        patch.setattr(Pretraining, "step", step)
        with pytest.raises(KeyboardInterrupt):
            pretrain(pictures, tmp_path / "broken.safetensors", console)
    again = pretrain(pictures, tmp_path / "broken.safetensors", console)
    assert "resuming after epoch 1 of 3" in console.export_text()
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters(), strict=True))


def test_other_settings_do_not_take_over(pictures: Path, tmp_path: Path, console: Console) -> None:
    """A progress file of another recipe is rejected, not overwritten."""
    progress = tmp_path / "g.progress"
    torch.save({"fingerprint": {"epochs": "7"}, "training": {}, "epoch": 1, "best": 1.0}, progress)
    before = progress.read_bytes()
    with pytest.raises(UsageError, match="other settings"):
        pretrain(pictures, tmp_path / "g.safetensors", console, replace(RECIPE, epochs=4))
    assert progress.read_bytes() == before


def test_batches_are_consecutive() -> None:
    """The last batch is shorter."""
    assert [list(batch) for batch in batches(range(5), 2)] == [[0, 1], [2, 3], [4]]
