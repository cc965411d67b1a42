"""Frames before a model sees them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mgtta_cam.corruptions import Corruptor
from mgtta_cam.corruptions.schedule import Schedule
from mgtta_cam.errors import UsageError
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.corruption_control import CorruptionControl
from mgtta_cam.stream.prefetch import prefetched
from mgtta_cam.stream.preprocess import FramePreprocessor
from mgtta_cam.types import Image
from tests.mgtta_cam.clips import frames


def quarter(image: Image) -> Image:
    """A crop: the upper left, once."""
    return image if image.shape[0] <= 32 else np.ascontiguousarray(image[:32, :32])


def test_frames_get_their_crop() -> None:
    """Of the corrupted picture; time for both is told apart."""
    [given] = frames(1)
    [taken] = FramePreprocessor(quarter, Corruptor(), Schedule.always("contrast", 3))([given])
    assert taken.crop is not None
    assert taken.image.shape == given.image.shape
    assert np.array_equal(taken.crop, quarter(taken.image))
    assert taken.clean is given.image
    assert taken.ms["prep"] >= 0
    assert taken.ms["corrupt"] > 0


def test_the_crop_is_corrupted_where_that_is_asked_for() -> None:
    """It is all that is seen then."""
    image = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)
    [given] = (replace(frame, image=image) for frame in frames(1))
    [taken] = FramePreprocessor(quarter, Corruptor(), Schedule.always("contrast", 3), on_crop=True)([given])
    assert taken.clean is not None
    assert taken.crop is taken.image
    assert np.array_equal(taken.clean, quarter(image))


def test_a_frame_prepared_anew_is_as_if_it_was_prepared_now() -> None:
    """Nothing of the plan before is left in it."""
    controls = Controls()
    corruption_control = CorruptionControl(Schedule.always("contrast", 5), ("contrast", "fog"), controls)
    for on_crop in (False, True):
        stage = FramePreprocessor(quarter, Corruptor(), corruption_control, on_crop=on_crop)
        frame = stage.frame(frames(1)[0])
        controls.press("[")
        assert corruption_control.changed
        anew = stage.again(frame)
        assert not corruption_control.changed
        fresh = stage.frame(frames(1)[0])
        assert anew.corruption == fresh.corruption
        assert anew.corruption != frame.corruption
        assert np.array_equal(anew.image, fresh.image)
        assert np.array_equal(anew.crop, fresh.crop)  # pyright: ignore[reportArgumentType]
        assert set(anew.ms) == set(fresh.ms)


def test_a_frame_that_waits_feels_the_key() -> None:
    """What was prepared ahead under another plan is prepared anew, and clean again after the last of the round."""
    controls = Controls()
    corruption_control = CorruptionControl(Schedule(), ("contrast",), controls)
    stage = FramePreprocessor(quarter, Corruptor(), corruption_control)
    seen = []
    for frame in prefetched(
        stage(frames(4)), "test", lambda frame: stage.again(frame) if corruption_control.changed else frame
    ):
        seen.append(frame.corruption)
        if frame.index in (0, 2):
            controls.press("c")
    assert seen == [None, ("contrast", 5), ("contrast", 5), None]


def test_a_frame_that_is_too_small() -> None:
    """Is told in one line."""
    tiny = replace(frames(1)[0], image=np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(UsageError, match="cannot be corrupted"):
        FramePreprocessor(quarter, Corruptor(), Schedule.always("fog", 3)).frame(tiny)
