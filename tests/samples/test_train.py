"""Training of the embedded model, on a handful of pictures."""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from timm.layers.attention import Attention
from timm.layers.config import use_fused_attn
from timm.models.vision_transformer import VisionTransformer

from mgtta_models.stem import ConvolutionalStem
from samples.augment import augmented, centered
from samples.pictures import load_pictures
from samples.start import initialize, sine_positions
from samples.train import ARGUMENTS, learning_rate, train

CLASSES = ["bottle", "car"]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Six dark and six bright pictures in the layout that `samples.render` makes."""
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for level, name in zip((40, 200), CLASSES, strict=True):
            folder = tmp_path / "world" / split / name
            folder.mkdir(parents=True)
            for number in range(6):
                picture = rng.normal(level, 10, (160, 160, 3)).clip(0, 255).astype(np.uint8)
                cv2.imwrite(str(folder / f"{number:06d}.jpg"), picture)
    return tmp_path / "world"


def _options(pictures: Path, **changes: object) -> argparse.Namespace:
    options = {
        "pictures": pictures,
        "out": pictures / "demo.safetensors",
        "state": None,
        "epochs": 2,
        "batch": 4,
        "steps": 1,
    }
    return argparse.Namespace(**{**options, "lr": 1e-3, "seed": 0, "workers": 1, **changes})


def test_a_checkpoint_carries_all_that_is_needed_to_use_it(pictures: Path):
    """The model card rebuilds the network, and its tensors fit it by name."""
    options = _options(pictures)
    clean = train(options)
    assert use_fused_attn()  # what training wants of its own model is not left behind for others
    assert options.out.stat().st_size <= 12 * 2**20
    with safe_open(str(options.out), "pt") as file:
        card = file.metadata()
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    model = VisionTransformer(**json.loads(card["arguments"]), embed_layer=ConvolutionalStem)
    model.load_state_dict(weights)
    assert card["architecture"] == "VisionTransformer"
    assert card["stem"] == "convolutional"
    assert json.loads(card["classes"]) == CLASSES
    assert json.loads(card["mean"]) == json.loads(card["std"]) == [0.5, 0.5, 0.5]
    assert json.loads(card["input_size"]) == [3, 128, 128]
    assert json.loads(card["interpolation"]) == "bicubic"
    assert json.loads(card["crop_pct"]) == 1.0
    assert json.loads(card["clean_accuracy"]) == pytest.approx(clean, abs=0.01)
    assert card["license"] == "Apache-2.0"
    assert "samples.train" in card["command"]
    assert str(pictures) not in card["command"]


def test_an_interrupted_training_continues_to_the_same_weights(pictures: Path, monkeypatch: pytest.MonkeyPatch):
    """Stopping after the first epoch and starting again ends where one run does."""
    monkeypatch.setitem(ARGUMENTS, "depth", 1)
    monkeypatch.setitem(ARGUMENTS, "embed_dim", 48)
    whole = _options(pictures, state=pictures / "whole.pt")
    train(whole)
    halves = _options(pictures, state=pictures / "halves.pt", out=pictures / "halves.safetensors")
    train(halves, stop_after=1)
    train(halves)
    first, second = load_file(whole.out), load_file(halves.out)
    assert first.keys() == second.keys()
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, rtol=0, atol=0)


def test_the_learning_rate_rises_and_falls():
    """Zero at both ends, the peak after the warm-up, nothing above it."""
    rates = [learning_rate(progress, 1e-3) for progress in np.linspace(0, 1, 201)]
    assert rates[0] == 0
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    assert max(rates) == pytest.approx(1e-3, rel=1e-3)
    assert int(np.argmax(rates)) == pytest.approx(8, abs=1)


def test_evaluation_crops_the_central_square():
    """A wide frame loses its sides, nothing of its height, and lands in -1..1."""
    frame = torch.zeros(1, 3, 240, 320, dtype=torch.uint8)
    frame[..., 40:280] = 255
    x = centered(frame, 128)
    assert x.shape == (1, 3, 128, 128)
    assert x[..., 2:-2].min() > 0.99


def test_augmentation_is_seeded_and_keeps_the_range():
    """The same generator gives the same batch; values stay those of pictures."""
    batch = torch.randint(0, 256, (4, 3, 160, 160), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    first, again = (augmented(batch, 128, torch.Generator().manual_seed(1)) for _ in range(2))
    other = augmented(batch, 128, torch.Generator().manual_seed(2))
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.equal(first, other)
    assert first.shape == (4, 3, 128, 128)
    assert first.min() >= -1
    assert first.max() <= 1


def test_training_starts_with_attention_to_alike_tokens():
    """Queries and keys begin correlated, values and projection opposed, positions near to near ones."""
    model = VisionTransformer(img_size=64, patch_size=16, embed_dim=48, depth=1, num_heads=3, num_classes=2)
    initialize(model, torch.Generator().manual_seed(0))
    attention = next(module for module in model.modules() if isinstance(module, Attention))
    queries, keys, values = attention.qkv.weight.detach().split(48)
    alike, opposed = (queries.T @ keys).trace() / 48, (attention.proj.weight.detach() @ values).trace() / 48
    assert alike > 0.5
    assert opposed < -0.2
    places = sine_positions(4, 48)
    assert places.shape == (16, 48)
    assert torch.dist(places[0], places[1]) < torch.dist(places[0], places[15])


def test_classes_of_train_and_test_must_agree(pictures: Path):
    """A test split with another class would number the classes differently."""
    (pictures / "test" / "car").rename(pictures / "test" / "lamp")
    with pytest.raises(ValueError, match=r"same classes in train and test.*render both again"):
        train(_options(pictures))


def test_an_empty_folder_says_what_to_run(tmp_path: Path):
    """The error names the folder and the command that fills it."""
    with pytest.raises(ValueError, match=r"found none; run samples\.render first"):
        load_pictures(tmp_path)
