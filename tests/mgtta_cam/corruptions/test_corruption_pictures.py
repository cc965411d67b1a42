"""`corrupt` on pictures of any size: properties of every corruption, and rejected arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mgtta_cam.corruptions import CORRUPTIONS, STANDARD, VALIDATION, corrupt
from mgtta_cam.corruptions.frost import frost_pictures
from mgtta_cam.corruptions.ice import LOOKS
from tests.mgtta_cam.corruptions import pinned

DETERMINISTIC = (
    "defocus_blur",
    "zoom_blur",
    "brightness",
    "contrast",
    "pixelate",
    "jpeg_compression",
    "gaussian_blur",
    "saturate",
)
SIZES = ((32, 32), (33, 47), (301, 40), (223, 225), (64, 400))
NAMES = list(CORRUPTIONS)


def noise_picture(*shape: int) -> NDArray[np.uint8]:
    """A picture of smooth random color, uint8 [h, w, 3]."""
    rng = np.random.RandomState(3)
    return (rng.rand(*shape, 3) * 120 + np.linspace(0, 130, shape[1])[None, :, None]).astype(np.uint8)


def test_table_lists_the_benchmarks_names() -> None:
    """Fifteen standard corruptions and four for validation, in this order, and each name once."""
    assert tuple(CORRUPTIONS) == STANDARD + VALIDATION
    assert (len(STANDARD), len(VALIDATION)) == (15, 4)


@pytest.mark.parametrize("draws", ["reference", "fast"])
@pytest.mark.parametrize("scale", ["fidelity", "display"])
@pytest.mark.parametrize("name", NAMES)
def test_any_size_gives_a_new_picture(name: str, scale: Any, draws: Any) -> None:
    """Square, odd, tall or wide: the output is changed, of the same shape, contiguous bytes; the input is untouched."""
    for size in SIZES:
        image = noise_picture(*size)
        before = image.copy()
        for severity in (1, 4, 5):
            out = corrupt(image, name, severity, np.random.RandomState(0), draws=draws, scale=scale)
            assert out.shape == image.shape
            assert out.dtype == np.uint8
            assert out.flags.c_contiguous
            assert not np.shares_memory(out, image)
            assert np.array_equal(image, before)
        if min(size) >= 100:  # lengths scaled down to a tiny picture may round to zero
            assert not np.array_equal(out, image)


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_of_720_lines(name: str) -> None:
    """In display mode a large frame is damaged about as much, on average, as the small picture it was made from."""
    small = pinned.picture()
    large = small.repeat(3, axis=0).repeat(3, axis=1)
    damage = [
        np.abs(corrupt(x, name, 5, np.random.RandomState(0), draws="fast", scale="display").astype(int) - x).mean()
        for x in (small, large)
    ]
    if name in ("jpeg_compression", "pixelate"):  # quality and share are not lengths, so they are not scaled
        assert damage[1] > 0
    else:
        assert damage[1] == pytest.approx(damage[0], rel=0.25)


@pytest.mark.parametrize("name", NAMES)
def test_views_and_frozen_pictures_are_taken(name: str) -> None:
    """A read-only picture, or a mirrored view of one, gives what its contiguous copy gives."""
    image = noise_picture(40, 56)
    view = image[:, ::-1]
    view.flags.writeable = False
    expected = corrupt(np.ascontiguousarray(view), name, 3, np.random.RandomState(5))
    assert np.array_equal(corrupt(view, name, 3, np.random.RandomState(5)), expected)


@pytest.mark.parametrize("draws", ["reference", "fast"])
@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides(name: str, draws: Any) -> None:
    """The same state gives the same picture; another state another one, unless the corruption is deterministic."""
    image = noise_picture(64, 64)
    first, again, other = (corrupt(image, name, 5, np.random.RandomState(s), draws=draws) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert np.array_equal(first, other) == (name in DETERMINISTIC)


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_deterministic_ones_take_nothing_from_the_state(name: str) -> None:
    """Deterministic corruptions leave the generator's state unchanged."""
    rng = np.random.RandomState(9)
    corrupt(noise_picture(40, 40), name, 2, rng)
    assert rng.rand() == np.random.RandomState(9).rand()


@pytest.mark.parametrize("name", ["gaussian_noise", "gaussian_blur", "fog", "contrast", "jpeg_compression"])
def test_severity_grows(name: str) -> None:
    """Each severity is farther from the clean picture than the one before."""
    image = pinned.picture()
    damage = [np.abs(corrupt(image, name, s, np.random.RandomState(0)).astype(int) - image).mean() for s in range(1, 6)]
    assert damage == sorted(damage)
    assert len(set(damage)) == 5


@pytest.mark.parametrize("name", ["gaussian_blur", "elastic_transform", "glass_blur", "frost", "spatter", "zoom_blur"])
def test_a_black_picture_survives(name: str) -> None:
    """Black pictures cause no division by zero or overflow."""
    black = np.zeros((50, 60, 3), np.uint8)
    assert corrupt(black, name, 5, np.random.RandomState(0)).shape == black.shape


def test_gray_takes_the_color_that_the_reference_gives_it() -> None:
    """Saturate turns gray reddish (hue 0), brightness turns black gray: known quirks, kept."""
    gray = np.full((40, 40, 3), 128, np.uint8)
    assert corrupt(gray, "saturate", 4, np.random.RandomState(0))[0, 0].tolist() == [128, 115, 115]
    assert corrupt(gray, "saturate", 5, np.random.RandomState(0))[0, 0].tolist() == [128, 102, 102]
    assert corrupt(gray * 0, "brightness", 3, np.random.RandomState(0))[0, 0].tolist() == [76, 76, 76]


def test_jpeg85_blunts_the_noise() -> None:
    """Quality 85 with halved chroma, as in the published files, removes about a third of strong noise."""
    image = pinned.picture()
    plain, stored = (
        corrupt(image, "gaussian_noise", 5, np.random.RandomState(0), jpeg85=jpeg85).astype(float) - image
        for jpeg85 in (False, True)
    )
    assert 0.5 < stored.std() / plain.std() < 0.85


def test_own_frost_is_always_the_same_ice() -> None:
    """Generated ice has four different looks, is cached, and has the reference's channel means."""
    pictures = frost_pictures()
    assert len(pictures) == len(LOOKS)
    assert frost_pictures() is pictures
    for picture, look in zip(pictures, LOOKS, strict=True):
        assert picture.mean(axis=(0, 1)) == pytest.approx(look.mean, abs=3)
        assert picture.std(axis=(0, 1)) == pytest.approx(look.sd, abs=3)


def test_missing_frost_pictures_are_named(tmp_path: Path) -> None:
    """A folder without the files says which one is missing and what it needs."""
    with pytest.raises(ValueError, match=r"frost1\.png.*frost5\.jpg"):
        corrupt(noise_picture(40, 40), "frost", 3, np.random.RandomState(0), frost_dir=tmp_path)


def test_an_unreadable_frost_picture_is_named(tmp_path: Path) -> None:
    """A file that is not a picture is rejected by name."""
    pinned.ice_folder(tmp_path)
    (tmp_path / "frost3.png").write_bytes(b"not a picture")
    with pytest.raises(ValueError, match=r"frost3\.png"):
        corrupt(noise_picture(40, 40), "frost", 3, np.random.RandomState(0), frost_dir=tmp_path)


PICTURE = np.zeros((40, 40, 3), np.uint8)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((PICTURE, "gausian_noise", 3), {}, "did you mean 'gaussian_noise'.*known: gaussian_noise, shot_noise"),
        ((PICTURE, "", 3), {}, "unknown corruption ''; known"),
        ((PICTURE, "fog", 0), {}, "from 1 .* to 5 .*, got 0"),
        ((PICTURE, "fog", 6), {}, "got 6"),
        ((PICTURE, "fog", 2.5), {}, "integer.*got 2.5"),
        ((PICTURE, "fog", True), {}, "integer.*got True"),
        ((PICTURE, "fog", "3"), {}, "integer.*got '3'"),
        ((PICTURE.astype(np.float32), "fog", 3), {}, "uint8.*float32.*convert"),
        ((PICTURE[..., 0], "fog", 3), {}, r"\[h, w, 3\].*\[40, 40\].*gray"),
        ((np.zeros((40, 40, 4), np.uint8), "fog", 3), {}, r"\[40, 40, 4\].*alpha"),
        ((PICTURE[:31], "fog", 3), {}, "at least 32 pixels, got 31 x 40.*enlarge"),
        ((PICTURE.tolist(), "fog", 3), {}, "numpy array.*list"),
        ((PICTURE, "fog", 3), {"draws": "quick"}, "draws must be one of reference, fast, got 'quick'"),
        ((PICTURE, "fog", 3), {"scale": "big"}, "scale must be one of fidelity, display, got 'big'"),
    ],
)
def test_wrong_arguments_are_rejected(arguments: tuple[Any, ...], options: dict[str, Any], message: str) -> None:
    """ValueError says what was expected and what came."""
    image, name, severity = arguments
    with pytest.raises(ValueError, match=message):
        corrupt(image, name, severity, np.random.RandomState(0), **options)


def test_a_wrong_generator_is_rejected() -> None:
    """A wrong random generator is rejected; the message says how to make the right one."""
    with pytest.raises(ValueError, match=r"Generator or RandomState, got int; .*default_rng\(seed\)"):
        corrupt(PICTURE, "fog", 3, 5)  # pyright: ignore[reportArgumentType]
