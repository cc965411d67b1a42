"""Text, cards and marks: legible on anything, and where they were asked for."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgtta_cam.overlay.ink import ADAPTED, BOLD, FROZEN, PAPER, QUIET, TEXT, Box, Ink, fit, text_width
from mgtta_cam.types import Image


def blank(height: int = 60, width: int = 300) -> Image:
    """A black picture."""
    return np.zeros((height, width, 3), np.uint8)


def luminance(color: np.ndarray | tuple[int, int, int]) -> np.ndarray:
    """Relative luminance of sRGB colors [..., 3] as WCAG 2 defines it, 0..1."""
    share = np.asarray(color, np.float64) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(first: np.ndarray | tuple[int, int, int], second: np.ndarray | tuple[int, int, int]) -> np.ndarray:
    """WCAG 2 contrast ratio, 1..21."""
    a, b = luminance(first), luminance(second)
    return (np.maximum(a, b) + 0.05) / (np.minimum(a, b) + 0.05)


def backgrounds() -> dict[str, Image]:
    """The worst that a camera may show behind text."""
    noise = np.random.default_rng(0).integers(0, 256, (120, 200, 3), np.uint8)
    checks = (np.indices((120, 200)).sum(0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, 2)
    colors = {"white": 255, "black": 0, "yellow": (255, 255, 0), "orange": ADAPTED, "blue": FROZEN}
    return {k: np.full((120, 200, 3), v, np.uint8) for k, v in colors.items()} | {"noise": noise, "checks": checks}


@pytest.mark.parametrize("color", [TEXT, QUIET, ADAPTED, FROZEN], ids=["text", "quiet", "adapted", "frozen"])
@pytest.mark.parametrize("behind", sorted(backgrounds()))
def test_cards_carry_legible_text(behind: str, color: tuple[int, int, int]) -> None:
    """On a card every text color has WCAG's 4.5:1 against every pixel, whatever lies behind."""
    image = backgrounds()[behind]
    Ink(image, 12).card(Box(20, 20, 160, 80))
    inside = image[26:94, 26:174]
    assert contrast(inside, color).min() >= 4.5


def test_cards_are_calm() -> None:
    """Noise behind a card is blurred away, so that it does not eat the letters' edges."""
    image = backgrounds()["noise"]
    Ink(image, 12).card(Box(20, 20, 160, 80))
    assert image[26:94, 26:174].std() < 3


def test_accents_are_legible_as_background() -> None:
    """The models' names stand in dark letters on their colors, and the two colors differ in lightness or hue."""
    assert contrast(ADAPTED, PAPER) >= 4.5
    assert contrast(FROZEN, PAPER) >= 4.5
    assert abs(ADAPTED[0] - FROZEN[0]) > 100
    assert abs(ADAPTED[2] - FROZEN[2]) > 100


def test_cards_stay_in_their_box() -> None:
    """A card changes no pixel outside, and leaves its corners round."""
    image = np.full((120, 200, 3), 255, np.uint8)
    Ink(image, 16).card(Box(20, 30, 100, 50))
    outside = np.ones((120, 200), bool)
    outside[30:80, 20:120] = False
    assert (image[outside] == 255).all()
    assert image[30, 20].min() > 200 > image[55, 70].max()


@given(st.text(max_size=60), st.integers(0, 200), st.sampled_from([10, 12, 17, 30]))
@settings(max_examples=100)
def test_fit_keeps_to_the_width(text: str, width: int, px: int) -> None:
    """Whatever the text, one line comes back, no wider than asked, and short texts come back whole."""
    line = fit(text, width, px)
    assert text_width(line, px) <= max(width, 0)
    assert "\n" not in line
    whole = " ".join(text.split())
    if text_width(whole, px) <= width:
        assert line == whole
    else:
        assert line == "" or (line.endswith("…") and whole.startswith(line[:-1]))


def test_text_stays_within_its_width() -> None:
    """A name of 400 letters is cut with an ellipsis and touches no column beyond its width."""
    image = blank()
    wide = Ink(image, 12).text("very long name " * 30, 10, 40, width=150)
    columns = np.flatnonzero(image.any(axis=(0, 2)))
    assert 100 < wide <= 150
    assert columns.min() >= 9
    assert columns.max() <= 10 + 150


@pytest.mark.parametrize(("align", "left", "right"), [("left", 100, 180), ("right", 20, 101), ("center", 60, 141)])
def test_text_alignment(align, left: int, right: int) -> None:
    """A line begins at, ends at or is centered on its point."""
    image = blank()
    Ink(image, 12).text("water bottle", 100, 40, width=200, align=align)
    columns = np.flatnonzero(image.any(axis=(0, 2)))
    assert left <= columns.min()
    assert columns.max() <= right


@pytest.mark.parametrize("word", ["水瓶", "кошка", "ποτήρι", "고양이", "bière"])
def test_other_scripts_are_drawn(word: str) -> None:
    """A name in another script shows its own letters, not the question marks of a font that lacks them."""

    def drawn(text: str) -> Image:
        image = blank()
        Ink(image, 20).text(text, 10, 40, width=280)
        return image

    assert drawn(word).any()
    assert not np.array_equal(drawn(word), drawn("?" * len(word)))
    assert not np.array_equal(drawn(word[0]), drawn(word[1]))


def test_digits_have_one_width() -> None:
    """Numbers in a column do not dance while they change."""
    for weight in (400, BOLD):
        widths = {text_width(digit * 10, 20, weight) for digit in "0123456789"}
        assert max(widths) - min(widths) <= 1


def test_verdicts_differ_without_color() -> None:
    """Right and wrong are two shapes: a color-blind reader, or a gray print, can tell them apart."""
    shapes = []
    for right in (True, False):
        image = blank()
        Ink(image, 24).verdict(30, 30, 16, right=right)
        shapes.append(image.any(axis=2))
    assert (shapes[0] != shapes[1]).sum() > 60


@pytest.mark.parametrize("height", [3, 4, 9, 16])
def test_bars_are_as_long_as_their_share(height: int) -> None:
    """The filled part grows in proportion; an empty bar shows none of its color."""
    lengths = []
    for share in (0.0, 0.25, 0.5, 1.0, 1.7):
        image = blank()
        Ink(image, 12).bar(Box(20, 20, 200, height), share, ADAPTED)
        lengths.append(int((image == ADAPTED).all(axis=2).any(axis=0).sum()))
    assert lengths[0] == 0
    assert lengths[1:] == pytest.approx([50, 100, 200, 200], abs=height + 1)


def test_threads_draw_alike() -> None:
    """Two threads that write at the same time write what one would."""
    pictures = [blank() for _ in range(4)]

    def write(image: Image) -> None:
        for i in range(50):
            Ink(image, 12).text(f"line {i}", 10, 40, width=200, weight=BOLD if i % 2 else 400)

    write(pictures[0])
    threads = [threading.Thread(target=write, args=(image,)) for image in pictures[1:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(pictures[0], image) for image in pictures[1:])
