"""The demo's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from mgtta_cam.config import demo
from mgtta_cam.config.settings import fields_of_settings
from mgtta_cam.errors import OutputError, SourceError
from mgtta_cam.stream.corruption_control import planned


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A file that stands in for the clip."""
    path = tmp_path / "clip.mp4"
    path.touch()
    return path


def test_its_own_source_model_and_outputs(clip: Path, tmp_path: Path) -> None:
    """The embedded model runs on the embedded clip, side by side, into a folder that is created."""
    settings = demo.settings({}, tmp_path / "out", clip)
    assert (settings.source, settings.model, settings.compare) == (str(clip), "demo", "split")
    assert settings.save is not None
    assert settings.save.parent == tmp_path / "out"
    assert settings.save.parent.is_dir()


def test_flags_win(clip: Path, tmp_path: Path) -> None:
    """The demo accepts the options that it offers."""
    assert demo.settings({"method": "tent", "seed": "3"}, tmp_path, clip).method == "tent"


def test_the_environment_cannot_hijack_it(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source from the environment is ignored; a device is not."""
    monkeypatch.setenv("MGTTA_CAM_SOURCE", "0")
    monkeypatch.setenv("MGTTA_CAM_DEVICE", "cpu")
    settings = demo.settings({}, tmp_path, clip)
    assert (settings.source, settings.device) == (str(clip), "cpu")


def test_a_missing_clip_is_reported(tmp_path: Path) -> None:
    """A broken installation gives one clear line."""
    with pytest.raises(SourceError, match="reinstall mgtta-cam"):
        demo.settings({}, tmp_path, tmp_path / "gone.mp4")


def test_a_folder_that_cannot_be_made_is_reported(clip: Path) -> None:
    """The message names the option."""
    with pytest.raises(OutputError, match="--out"):
        demo.settings({}, clip / "below-a-file", clip)


def test_its_schedule_is_a_schedule() -> None:
    """The clip is clean at first, so that the model shows its best; then weather sets in."""
    plan = planned(None, demo.SCHEDULE)
    assert plan.at(0) is None
    assert len(plan.entries) >= 4


def test_its_options_are_options() -> None:
    """The settings know every option of the demo."""
    assert set(demo.OPTIONS) <= fields_of_settings().keys()
