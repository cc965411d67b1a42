"""The overlay as pictures: sizes, purity, and which pixels change with which fact."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgtta_cam.overlay.canvas import canvas_size
from mgtta_cam.overlay.draw import Style, draw
from mgtta_cam.overlay.ink import ADAPTED, FROZEN
from mgtta_cam.types import Frame, FrameResult, Image, Score

NAMES = ("tabby", "water bottle", "coffee mug", "vending machine", "hair spray", "wine bottle")
STYLE = Style(NAMES)
SPLIT = replace(STYLE, split=True)
SIZES = [(240, 320), (480, 640), (720, 1280), (1080, 1920), (854, 480), (1280, 720), (128, 128), (481, 641)]
ODD_SIZES = [(1, 1), (1, 700), (700, 1), (17, 333), (2160, 3840)]


def picture(height: int, width: int) -> Image:
    """A gray ramp with a grid on it: no pixel of it has an accent's color."""
    image = np.empty((height, width, 3), np.uint8)
    image[:] = np.linspace(40, 200, width, dtype=np.uint8)[None, :, None]
    image[::16] = 30
    image.flags.writeable = False
    return image


def logits(best: int, second: int = 3) -> np.ndarray:
    """Six logits with a clear winner and a clear second."""
    values = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], np.float32)
    values[second], values[best] = 2.0, 3.0
    return values


def score(share: float) -> Score:
    """A run of 300 labeled frames at one accuracy."""
    return Score(300, share, share, (share,) * 100)


def result(size: tuple[int, int] = (720, 1280), **changes) -> FrameResult:
    """A frame that the adapted model gets right and the frozen one wrong."""
    full = FrameResult(
        frame=Frame(7, 0.2, picture(*size), 1, ("fog", 4)),
        logits=logits(1),
        latency_ms=12.3,
        method="mgtta",
        updates=19,
        frozen_logits=logits(4),
        score=score(0.75),
        frozen_score=score(0.25),
        fps=29.8,
    )
    return replace(full, **changes)


def plain(size: tuple[int, int]) -> Image:
    """The canvas with nothing written on it."""
    return draw(result(size), replace(STYLE, level=0))


def changed(first: Image, second: Image) -> np.ndarray:
    """Where two pictures differ: bool [h, w]."""
    assert first.shape == second.shape
    return (first != second).any(axis=2)


def count(image: Image, color: tuple[int, int, int]) -> int:
    """How many pixels have exactly this color."""
    return int((image == color).all(axis=2).sum())


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_canvas_is_even_large_enough_and_not_wasteful(height: int, width: int) -> None:
    """Every frame size has a canvas that codecs take and text fits on, and that is a large frame's own size."""
    high, wide = canvas_size(height, width)
    assert high % 2 == wide % 2 == 0
    assert min(high, wide) >= 480
    assert max(high, wide) <= max(1922, height + 1, width + 1)
    if min(height, width) >= 480:
        assert (high, wide) == (height + height % 2, width + width % 2)


@pytest.mark.parametrize("size", SIZES + ODD_SIZES, ids=str)
def test_size_depends_on_the_frame_only(size: tuple[int, int]) -> None:
    """No style and no result changes the size of the drawing, so that a video can be written of it."""
    keys = (("q", "quit"), ("h", "these keys")) * 8
    bare = result(size, frozen_logits=None, score=None, frozen_score=None)
    unlabeled = replace(bare, frame=replace(bare.frame, label=None, corruption=None))
    styles = [replace(STYLE, level=level, split=split) for level in (0, 1, 2) for split in (False, True)]
    styles += [replace(SPLIT, help=keys), replace(STYLE, help=keys, paused=True), replace(SPLIT, topk=50)]
    for style in styles:
        for drawn in (result(size), bare, unlabeled):
            image = draw(drawn, style)
            assert image.shape == (*canvas_size(*size), 3)
            assert image.dtype == np.uint8


@pytest.mark.parametrize("style", [STYLE, SPLIT, replace(STYLE, level=1), replace(STYLE, level=0)], ids=str)
def test_drawing_is_pure(style: Style) -> None:
    """The same input gives the same pixels, and a picture of its own: the frame (read-only here) is not touched."""
    given_result = result((480, 640))
    before = given_result.frame.image.copy()
    first = draw(given_result, style)
    first_copy = first.copy()
    first[:] = 0
    assert np.array_equal(draw(given_result, style), first_copy)
    assert np.array_equal(given_result.frame.image, before)


@pytest.mark.parametrize("size", [(480, 640), (720, 1280), (1281, 721)], ids=str)
def test_level_0_is_the_frame(size: tuple[int, int]) -> None:
    """With the overlay off, every pixel of the frame is there, unscaled."""
    image = plain(size)
    assert np.array_equal(image[: size[0], : size[1]], result(size).frame.image)


def test_single_view_leaves_the_picture_free() -> None:
    """Cards lie at the edges; the middle of the picture, over half of its height, is as it came."""
    touched = changed(draw(result(), STYLE), plain((720, 1280)))
    rows = np.flatnonzero(touched.any(axis=1))
    assert not touched[60:460].any()
    assert touched[:60].any()
    assert touched[460:].any()
    margin = 8
    assert margin <= rows.min()
    assert rows.max() < 720 - margin


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_answer_card_follows_the_answer(size: tuple[int, int]) -> None:
    """Another answer changes ink in the lower left part, and nowhere else."""
    touched = changed(draw(result(size), STYLE), draw(result(size, logits=logits(2)), STYLE))
    high, wide = touched.shape
    assert touched.sum() > 100
    assert not touched[: high // 2].any()
    assert not touched[:, wide // 2 :].any()


def test_level_1_shows_the_answer_alone() -> None:
    """Level 1 writes less than level 2, follows the answer, and knows no speed."""
    answer_only = replace(STYLE, level=1)
    one, two = (changed(draw(result(), s), plain((720, 1280))).sum() for s in (answer_only, STYLE))
    assert 0 < one < two / 2
    assert changed(draw(result(), answer_only), draw(result(logits=logits(2)), answer_only)).any()
    assert not changed(draw(result(), answer_only), draw(result(fps=3.0, latency_ms=99.0), answer_only)).any()


@pytest.mark.parametrize(
    "change",
    [
        {"latency_ms": 45.6},
        {"fps": 9.9},
        {"updates": 20},
        {"method": "tent"},
        {"skipped": "sure"},
        {"score": score(0.5)},
        {"frozen_score": score(0.5)},
        {"frame": Frame(7, 0.2, picture(240, 320), 2, ("fog", 4))},
        {"frame": Frame(7, 0.2, picture(240, 320), 1, ("fog", 3))},
        {"frame": Frame(7, 0.2, picture(240, 320), 1, ("snow", 4))},
        {"frame": Frame(7, 0.2, picture(240, 320), 1, None)},
    ],
    ids=str,
)
@pytest.mark.parametrize("style", [STYLE, SPLIT], ids=["single", "split"])
def test_every_fact_is_shown(style: Style, change: dict) -> None:
    """Latency, rate, updates, method, both accuracies, truth, corruption and severity: each can be seen to change."""
    base = result((240, 320))
    assert changed(draw(base, style), draw(replace(base, **change), style)).sum() > 5


@pytest.mark.parametrize("flag", ["adapting", "paused"])
def test_flags_are_shown(flag: str) -> None:
    """What a key switched can be seen."""
    flipped = replace(STYLE, **{flag: not getattr(STYLE, flag)})
    assert changed(draw(result(), STYLE), draw(result(), flipped)).sum() > 20


def test_clean_is_said_where_corruption_is_expected() -> None:
    """A frame without corruption shows "clean" in a run that corrupts, and nothing in one that does not."""
    clean = result(frame=Frame(7, 0.2, picture(720, 1280), 1, None))
    assert changed(draw(clean, STYLE), draw(clean, replace(STYLE, corrupting=True)))[:60, 200:400].any()


def test_right_and_wrong_differ_in_gray() -> None:
    """The verdict can be read without color: in gray, right and wrong marks differ in many pixels."""
    frame = result().frame
    right, wrong = (draw(result(frame=replace(frame, label=i)), replace(STYLE, level=1)) for i in (1, 2))
    gray = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(int) for image in (right, wrong)]
    assert (np.abs(gray[0] - gray[1]) > 40).sum() > 60


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_split_view_halves_are_independent(size: tuple[int, int]) -> None:
    """The frozen answer moves ink in the left half only, the adapted one in the right half only."""
    base = draw(result(size), SPLIT)
    half = base.shape[1] // 2
    frozen = changed(base, draw(result(size, frozen_logits=logits(2)), SPLIT))
    adapted = changed(base, draw(result(size, logits=logits(2)), SPLIT))
    assert frozen[:, :half].sum() > 50
    assert not frozen[:, half:].any()
    assert adapted[:, half:].sum() > 50
    assert not adapted[:, :half].any()


@pytest.mark.parametrize("size", [(480, 640), (720, 1280), (1080, 1920), (1280, 720)], ids=str)
def test_split_view_shows_the_frame_twice(size: tuple[int, int]) -> None:
    """Left and right hold the same picture at the same place, except for the models' names."""
    image = draw(result(size), SPLIT)
    half = size[1] // 2
    rows = slice(round(0.2 * size[0]), round(0.3 * size[0]))
    left, right = image[rows, 2 : half - 2], image[rows, half + 2 : 2 * half - 2]
    assert np.array_equal(left, right)
    assert left.std() > 20


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_split_view_has_a_color_for_each_model(size: tuple[int, int]) -> None:
    """Both accents are there, the frozen one left of the middle, the adapted one right of it."""
    image = draw(result(size, score=None, frozen_score=None), SPLIT)
    half = image.shape[1] // 2
    frame_only = image[round(0.1 * image.shape[0]) :]
    assert count(frame_only[:, :half], FROZEN) > 100
    assert count(frame_only[:, half:], FROZEN) == 0
    assert count(frame_only[:, half:], ADAPTED) > 100
    assert count(frame_only[:, :half], ADAPTED) == 0


def test_split_view_without_frozen_answers() -> None:
    """Where the frozen model did not run, the split view is the single view."""
    alone = result(frozen_logits=None)
    assert np.array_equal(draw(alone, SPLIT), draw(alone, STYLE))


@pytest.mark.parametrize("style", [STYLE, SPLIT], ids=["single", "split"])
def test_long_names_stay_in_their_card(style: Style) -> None:
    """A name of 300 letters is cut: it changes no pixel that a short name could not."""
    long = replace(style, classes=tuple(name * 40 for name in NAMES))
    touched = changed(draw(result((240, 320)), style), draw(result((240, 320)), long))
    high, wide = touched.shape
    assert touched.any()
    assert not touched[: high // 2].any()
    if style is STYLE:
        assert not touched[:, wide // 2 :].any()
    assert not touched[:, -8:].any()


def test_names_that_are_missing() -> None:
    """A model with more classes than names shows numbers for them, each its own."""
    nameless = Style(())
    assert changed(draw(result(), nameless), draw(result(logits=logits(2)), nameless)).any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_broken_logits_are_no_answer(bad: float) -> None:
    """A model that returns no numbers is shown without an answer, and without a verdict."""
    broken = logits(1)
    broken[2] = bad
    image = draw(result(logits=broken, score=None, frozen_score=None), STYLE)
    assert count(image[400:], ADAPTED) == 0
    assert np.array_equal(image, draw(result(logits=np.full(6, bad), score=None, frozen_score=None), STYLE))


def test_few_classes_and_few_wishes() -> None:
    """Two classes of five asked for, or one class asked for, are drawn as they are."""
    two = result(logits=np.array([0.0, 1.0], np.float32))
    assert changed(draw(two, STYLE), draw(two, replace(STYLE, topk=1))).any()


def test_help_lists_every_key() -> None:
    """At the smallest size every key and meaning is there: each, changed, changes the picture."""
    keys = tuple((chr(ord("a") + i), f"meaning number {i}") for i in range(13))
    base = draw(result((240, 320)), replace(STYLE, help=keys))
    for i in range(len(keys)):
        other = (*keys[:i], ("#", "entirely different"), *keys[i + 1 :])
        assert changed(base, draw(result((240, 320)), replace(STYLE, help=other))).sum() > 20


def test_impossible_styles_raise() -> None:
    """A level beyond the three, or less than one class, raises ValueError."""
    with pytest.raises(ValueError, match="level must be 0, 1 or 2, got 3"):
        Style(level=3)
    with pytest.raises(ValueError, match="topk must be at least 1, got 0"):
        Style(topk=0)


@pytest.mark.bench
def test_speed() -> None:
    """Prints the milliseconds that a drawing takes on one core, at three sizes."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        for size in ((240, 320), (720, 1280), (1080, 1920)):
            for name, style in (("single", STYLE), ("split", SPLIT)):
                shown, times = result(size), []
                for _ in range(50):
                    start = time.perf_counter()
                    draw(shown, style)
                    times.append(1000 * (time.perf_counter() - start))
                print(f"draw {size[1]} x {size[0]} {name}: {statistics.median(times):.2f} ms")
    finally:
        cv2.setNumThreads(threads)
