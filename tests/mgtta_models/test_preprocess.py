"""Pixels reach the model as timm's own transform would bring them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from timm.data import create_transform  # pyright: ignore[reportPrivateImportUsage]

from mgtta_models import ModelError, Preprocess


def picture(height: int, width: int) -> NDArray[np.uint8]:
    """Smooth colors with some grain."""
    rng = np.random.default_rng(height * width)
    ramp = np.add.outer(np.linspace(0, 120, height), np.linspace(0, 100, width))[..., None]
    return (ramp + rng.integers(0, 36, (height, width, 3))).astype(np.uint8)


@pytest.mark.parametrize("shape", [(480, 640), (720, 1280), (640, 360), (301, 223), (100, 90), (225, 224)])
@pytest.mark.parametrize(
    ("crop_pct", "interpolation"),
    [(0.9, "bicubic"), (0.875, "bilinear"), (1.0, "bicubic"), (0.9, "lanczos"), (0.9, "nearest")],
)
def test_equal_to_timm(shape: tuple[int, int], crop_pct: float, interpolation: str) -> None:
    """Resize, crop and normalization agree with timm's evaluation transform up to one level, in few pixels."""
    own = Preprocess(crop_pct=crop_pct, interpolation=interpolation)
    reference = create_transform(
        224, crop_pct=crop_pct, interpolation=interpolation, mean=own.mean, std=own.std, is_training=False
    )
    image = picture(*shape)
    expected = torch.as_tensor(reference(Image.fromarray(image)))  # pyright: ignore[reportCallIssue]
    difference = (own(image) - expected).abs() * 127.5
    assert own(image).shape == (3, 224, 224)
    assert difference.max() <= 1.001
    assert (difference > 0.5).float().mean() < 0.01


def test_a_picture_that_may_not_be_written() -> None:
    """As Pillow's are: it is read as any other."""
    image = picture(300, 400)
    locked = image.copy()
    locked.flags.writeable = False
    assert np.array_equal(Preprocess().crop(locked), Preprocess().crop(image))


def test_a_crop_stays_as_it_is() -> None:
    """A picture of the model's own size is not resized again: this is how ImageNet-C is read."""
    image = picture(224, 224)
    assert Preprocess(crop_pct=0.9).crop(image) is image


def test_normalization() -> None:
    """Mean and std act on values in 0..1, channel by channel."""
    white = np.full((2, 2, 3), 255, np.uint8)
    own = Preprocess(size=2, mean=(0.0, 0.5, 1.0), std=(1.0, 0.5, 0.25))
    torch.testing.assert_close(own(white)[:, 0, 0], torch.tensor([1.0, 1.0, 0.0]))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"mean": (0.5,)}, "three numbers"),
        ({"interpolation": "cubic"}, "bicubic"),
        ({"crop_pct": 1.5}, "crop_pct"),
        ({"std": (0.0, 1.0, 1.0)}, "std > 0"),
    ],
)
def test_bad_values(changes: dict[str, object], word: str) -> None:
    """A wrong value is named with what was expected."""
    with pytest.raises(ModelError, match=word):
        Preprocess().changed(**changes)
