"""All corruptions against the ImageNet-C script's own pictures, and against pinned pixels if those are absent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mgtta_cam.corruptions import CORRUPTIONS, corrupt
from tests.mgtta_cam.corruptions import pinned
from tests.mgtta_cam.corruptions.tolerances import OPENCV_5_ELASTIC, TOLERANCES, differences, opencv_major, within


def check(shared: Path, file: str, name: str, tolerance: tuple[int, float]) -> None:
    """Compare each picture and severity of a golden file."""
    folder = shared / "goldens" / "corruptions"
    with np.load(folder / "inputs.npz") as inputs, np.load(folder / f"{file}.npz") as goldens:
        assert goldens.files
        for key in goldens.files:
            picture, severity = key.split("_s")
            out = corrupt(
                inputs[picture],
                name,
                int(severity),
                np.random.RandomState(0),
                frost_dir=shared / "data" / "frost",
            )
            assert within(out, goldens[key], tolerance), f"{file} {key}: {differences(out, goldens[key])}"


@pytest.mark.golden
@pytest.mark.parametrize("name", list(CORRUPTIONS))
def test_equals_the_reference(name: str, shared: Path) -> None:
    """With the same RandomState the picture equals the reference's within the table of tolerances."""
    check(shared, name, name, TOLERANCES[name])


@pytest.mark.golden
@pytest.mark.skipif(opencv_major() < 5, reason="OpenCV 4 still rounds warpAffine's positions to 1/32 pixel")
def test_elastic_equals_the_reference_under_opencv_5(shared: Path) -> None:
    """The reference run with the current OpenCV differs from the old one; against it, tolerances are zero."""
    check(shared, "elastic_transform_opencv5", "elastic_transform", OPENCV_5_ELASTIC)


@pytest.mark.parametrize("name", list(CORRUPTIONS))
def test_equals_the_pinned_numbers(name: str, tmp_path: Path) -> None:
    """Sampled pixels at all five severities equal those pinned when the goldens were met."""
    ice = pinned.ice_folder(tmp_path)
    largest, share = (max(TOLERANCES[name][0], 1), max(TOLERANCES[name][1], 0.01))
    with np.load(pinned.FILE) as expected:
        for severity in pinned.SEVERITIES:
            out = pinned.sample(name, severity, ice)
            assert within(out, expected[f"{name}_s{severity}"], (largest, share))
