"""Fast draws corrupt a picture as the reference's do: the same statistics over twenty seeds."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mgtta_cam.corruptions import corrupt
from mgtta_cam.corruptions.draws import integer_field, normal_field, normal_quantiles, random_words, uniform_field
from mgtta_cam.corruptions.noise import SHOT_PHOTONS, poisson_quantiles
from mgtta_cam.corruptions.setting import Setting

RANDOM = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "glass_blur",
    "motion_blur",
    "snow",
    "frost",
    "fog",
    "elastic_transform",
    "speckle_noise",
    "spatter",
)
SEEDS = 20
GATE = 5.0
FLOORS = {"mean": 0.5, "std": 0.5, "mad": 0.5, "psnr": 0.1, "log10_spectrum": 0.02}
FAST = Setting(224, 224, fast=True)


def statistics_of(shared: Path) -> ModuleType:
    """The module that defines the goldens' statistics."""
    spec = importlib.util.spec_from_file_location("golden_stats", shared / "goldens" / "corruptions" / "stats.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.golden
@pytest.mark.parametrize(
    "severity", [pytest.param(1, marks=pytest.mark.slow), 3, pytest.param(5, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", RANDOM)
def test_fast_draws_have_the_references_statistics(name: str, severity: int, shared: Path) -> None:
    """Level, spread, strength and spectrum of the damage agree with twenty runs of the reference: z < 5, or tiny."""
    module = statistics_of(shared)
    with np.load(shared / "goldens" / "corruptions" / "inputs.npz") as inputs:
        image = inputs["img0"]
    golden = json.loads((shared / "goldens" / "corruptions" / "stats.json").read_text())[name][str(severity)]
    options = {"draws": "fast", "frost_dir": shared / "data" / "frost"}
    found = module.aggregate(
        [
            module.stats(image, corrupt(image, name, severity, np.random.RandomState(100 + seed), **options))
            for seed in range(SEEDS)
        ]
    )
    for statistic, floor in FLOORS.items():
        off = np.abs(np.subtract(found[statistic]["mean"], golden[statistic]["mean"]))
        error = np.hypot(found[statistic]["std"], golden[statistic]["std"]) / np.sqrt(SEEDS)
        assert np.all((off < floor) | (off < GATE * error)), f"{statistic}: off by {off}, standard error {error}"


def test_quantiles_are_those_of_the_normal_distribution() -> None:
    """Quantiles have mean 0, variance 1, symmetry, and fourth moment 3 except for the missing tails."""
    table = normal_quantiles().astype(np.float64)
    assert table.mean() == pytest.approx(0, abs=1e-6)
    assert (table**2).mean() == pytest.approx(1, abs=1e-6)
    assert (table**4).mean() == pytest.approx(3, abs=0.02)
    assert np.array_equal(table, -table[::-1])


@pytest.mark.parametrize("photons", SHOT_PHOTONS)
def test_photon_table_has_the_poisson_mean(photons: int) -> None:
    """Black stays black, and where clipping is rare the mean level is the pixel's, less half a level of truncation."""
    means = poisson_quantiles(photons).mean(axis=1)
    assert means[0] == 0
    assert means[16] == pytest.approx(16, abs=0.6)
    assert np.all(np.diff(means) >= 0)


def test_words_are_uniform_and_keyed() -> None:
    """Each of 16 ranges gets its share; the same state gives the same words, the next state others."""
    rng = np.random.RandomState(1)
    words = random_words(rng, (400, 500))
    counts = np.bincount(words.reshape(-1) >> 12, minlength=16)
    assert np.abs(counts - words.size / 16).max() < 5 * np.sqrt(words.size / 16)
    assert np.array_equal(words, random_words(np.random.RandomState(1), (400, 500)))
    assert not np.array_equal(words, random_words(rng, (400, 500)))


def test_fields_have_the_asked_distribution() -> None:
    """Normal, uniform and integer fields keep their mean, spread and ends."""
    rng = np.random.RandomState(2)
    normal = normal_field(rng, (300, 300), 0.5, 0.2, FAST)
    assert (normal.mean(), normal.std()) == pytest.approx((0.5, 0.2), abs=0.004)
    uniform = uniform_field(rng, (300, 300), FAST)
    assert (uniform.mean(), uniform.std()) == pytest.approx((0, 3**-0.5), abs=0.01)
    assert -1 <= uniform.min() < -0.999
    assert 0.999 < uniform.max() < 1
    shares = np.bincount(integer_field(rng, (300, 300), -3, 3, FAST).reshape(-1) + 3) / 90_000
    assert shares == pytest.approx(np.full(6, 1 / 6), abs=0.01)
