"""Corruption of a stream: frames are independent, noise is new, textures are held or drift."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mgtta_cam.corruptions import CORRUPTIONS, Corruptor, Schedule, corrupt_frame
from mgtta_cam.types import Frame
from tests.mgtta_cam.corruptions import pinned

NOISES = ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise")
MOVING = ("snow", "fog")
IMAGE = pinned.picture()[40:140, 60:190]


def frames(count: int) -> list[Frame]:
    """Frames of one still picture."""
    return [Frame(index, index / 30, IMAGE, label=7) for index in range(count)]


@pytest.mark.parametrize("name", list(CORRUPTIONS))
def test_a_frame_needs_no_history(name: str) -> None:
    """A fresh corruptor gives frame 5 the same pixels as one that has seen other frames, severities and sizes."""
    busy = Corruptor(seed=11)
    for index in (9, 0, 5, 4):
        busy.apply(IMAGE, name, 1 + index % 5, index)
        busy.apply(np.ascontiguousarray(IMAGE[:60, :50]), name, 3, index)
    for other in ("fog", "snow", "spatter", "frost"):
        busy.apply(IMAGE, other, 2, 3)
    assert np.array_equal(busy.apply(IMAGE, name, 3, 5), Corruptor(seed=11).apply(IMAGE, name, 3, 5))


@pytest.mark.parametrize("name", list(CORRUPTIONS))
def test_only_noise_snow_and_fog_move(name: str) -> None:
    """On a still picture noise, snow and fog differ from frame to frame; everything else stays the same."""
    corruptor = Corruptor(seed=2)
    first, second = corruptor.apply(IMAGE, name, 4, 0), corruptor.apply(IMAGE, name, 4, 1)
    assert np.array_equal(first, second) != (name in NOISES + MOVING)


@pytest.mark.parametrize("name", NOISES)
def test_noise_is_new_in_each_frame(name: str) -> None:
    """The noise of two frames is uncorrelated."""
    corruptor = Corruptor(seed=2)
    gray = np.full((224, 224, 3), 100, np.uint8)
    first, second = (corruptor.apply(gray, name, 3, index).astype(float).reshape(-1) for index in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02


def test_fog_drifts_slowly() -> None:
    """One frame on, the fog has moved by one pixel: its columns are found one place to the left."""
    corruptor = Corruptor(seed=4)
    flat = np.full((224, 224, 3), 90, np.uint8)
    first, second = corruptor.apply(flat, "fog", 5, 0), corruptor.apply(flat, "fog", 5, 1)
    assert np.array_equal(first[:, 1:], second[:, :-1])


def test_fog_does_not_pump() -> None:
    """A bright spot that enters the picture leaves the fog elsewhere as it was."""
    dark = np.full((64, 64, 3), 50, np.uint8)
    lit = dark.copy()
    lit[:8, :8] = 255
    corruptor = Corruptor(seed=4)
    assert np.array_equal(corruptor.apply(dark, "fog", 3, 6)[8:], corruptor.apply(lit, "fog", 3, 6)[8:])


def test_snow_falls_without_a_seam() -> None:
    """Flakes move down, and equally many are in the picture ten thousand frames later."""
    corruptor = Corruptor(seed=1)
    black = np.zeros((224, 224, 3), np.uint8)
    early, next_one, late = (corruptor.apply(black, "snow", 3, i)[..., 0].astype(float) for i in (0, 1, 10_000))
    shifts = {
        down: max(
            np.corrcoef(early.reshape(-1), np.roll(next_one, (-down, right), (0, 1)).reshape(-1))[0, 1]
            for right in range(-4, 5)
        )
        for down in range(-4, 5)
    }
    assert max(shifts, key=lambda down: shifts[down]) > 0
    assert late.mean() == pytest.approx(early.mean(), rel=1e-6)


def test_severity_keeps_the_direction() -> None:
    """Turning motion blur up keeps its angle: the stronger picture is nearer to the weak one than another seed's is."""
    corruptor, other = Corruptor(seed=3), Corruptor(seed=8)
    weak, strong = (corruptor.apply(IMAGE, "motion_blur", s, 0).astype(int) for s in (2, 3))
    assert np.abs(weak - strong).mean() < np.abs(weak - other.apply(IMAGE, "motion_blur", 3, 0)).mean()


def test_seeds_differ() -> None:
    """Two seeds, also beyond 32 bits, give two streams."""
    pictures = [Corruptor(seed=seed).apply(IMAGE, "gaussian_noise", 3, 0) for seed in (0, 1, 1 << 32)]
    assert len({picture.tobytes() for picture in pictures}) == 3


def test_fidelity_keeps_the_published_lengths() -> None:
    """On a frame twice as large, display mode blurs twice as wide as fidelity mode."""
    large = IMAGE.repeat(5, axis=0).repeat(5, axis=1)
    damage = [
        np.abs(Corruptor(scale=scale).apply(large, "gaussian_blur", 3, 0).astype(int) - large).mean()
        for scale in ("fidelity", "display")
    ]
    assert damage[0] < damage[1]


@pytest.mark.parametrize(("seed", "index", "message"), [(-1, 0, "seed"), (1 << 64, 0, "seed"), (0, -1, "frame index")])
def test_impossible_numbers_are_rejected(seed: int, index: int, message: str) -> None:
    """Seeds have 64 bits and frames are counted from 0."""
    with pytest.raises(ValueError, match=message):
        Corruptor(seed).apply(IMAGE, "fog", 3, index)


def test_missing_frost_is_told_at_the_start(tmp_path: Path) -> None:
    """A missing frost folder is reported at once, not when the schedule reaches frost."""
    with pytest.raises(ValueError, match=r"frost1\.png"):
        Corruptor(frost_dir=tmp_path)


def test_frames_follow_the_schedule() -> None:
    """Clean frames pass unchanged; others are new frames that name their corruption and keep index, time and label."""
    given = frames(6)
    plan, corruptor = Schedule.parse("2:fog:3 4:clean 5:contrast"), Corruptor(seed=1)
    taken = [corrupt_frame(frame, plan, corruptor) for frame in given]
    assert [frame.corruption for frame in taken] == [None, None, ("fog", 3), ("fog", 3), None, ("contrast", 5)]
    assert all(taken[i] is given[i] for i in (0, 1, 4))
    assert [(f.index, f.seconds, f.label) for f in taken] == [(f.index, f.seconds, f.label) for f in given]
    assert np.array_equal(taken[3].image, Corruptor(seed=1).apply(IMAGE, "fog", 3, 3))
    assert taken[2].ms["corrupt"] > 0
    assert given[2].corruption is None
