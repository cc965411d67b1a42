"""Flag > environment > file > preset > default, and clear messages for every error."""

from __future__ import annotations

from pathlib import Path

import pytest

from mgtta_cam.config.loading import load, to_dict, to_toml
from mgtta_cam.config.settings import PANELS, Settings, fields_of_settings, flag
from mgtta_cam.errors import UsageError


def settings(tmp_path: Path, toml: str = "", **flags: object) -> Settings:
    """Loads a file with this content, and flags, with an empty environment."""
    path = tmp_path / "settings.toml"
    path.write_text(toml, encoding="utf-8")
    return load(flags, environment={}, file=path)


def test_precedence(tmp_path: Path) -> None:
    """Each layer wins over those below it."""
    path = tmp_path / "settings.toml"
    path.write_text("topk = 2\nseed = 2\nwarmup = 2\nadapt-batch = 2\n", encoding="utf-8")
    environment = {"MGTTA_CAM_TOPK": "3", "MGTTA_CAM_SEED": "3", "HOME": "/"}
    result = load({"topk": "4", "loop": None}, environment=environment, file=path, presets={"topk": 1, "lr": 0.5})
    assert (result.topk, result.seed, result.warmup, result.adapt_batch) == (4, 3, 2, 2)
    assert (result.lr, result.loop) == (0.5, 1)


def test_the_paper_has_no_memory() -> None:
    """With --paper, updates run inline on the latest frames, unless a memory is chosen."""
    assert (load({}, environment={}).adapt, load({"paper": True}, environment={}).adapt) == (None, "inline")
    for flags, memory in (({}, "reservoir"), ({"paper": True}, "window"), ({"memory": "balanced"}, "balanced")):
        assert load(flags, environment={}).memory == memory
    assert load({"paper": True, "memory": "reservoir"}, environment={}).memory == "reservoir"


def test_the_source_from_the_environment() -> None:
    """MGTTA_CAM_SOURCE alone is enough."""
    assert load({}, environment={"MGTTA_CAM_SOURCE": "0"}).source == "0"


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        ({"vid_stride": "0"}, "--vid-stride: .*greater than or equal to 1; got '0'"),
        ({"vid_stride": "two"}, "--vid-stride: .*integer.*got 'two'"),
        ({"lr": "nan"}, "--lr: .*finite"),
        ({"lr": "-1"}, "--lr: .*greater than 0"),
        ({"compare": "both"}, "--compare: .*'off' or 'split'; got 'both'"),
        ({"device": "tpu"}, "--device: .*got 'tpu'"),
        ({"seed": "-1"}, "--seed: "),
        ({"mean": "0.4,0.5"}, "--mean: .*three numbers.*got '0.4,0.5'"),
        ({"std": "1,b,1"}, "--std: .*number"),
        ({"corrupt": "fog", "corrupt_schedule": "0:fog"}, "--corrupt and --corrupt-schedule are mutually exclusive"),
        ({"truth": "a.csv", "label": "mug"}, "--truth and --label are mutually exclusive"),
        ({"quiet": True, "verbose": True}, "--quiet and --verbose are mutually exclusive"),
    ],
)
def test_bad_values_are_reported(flags: dict[str, object], what: str) -> None:
    """One line names the option, what was expected and what came."""
    with pytest.raises(UsageError, match=what) as caught:
        load(flags, environment={})
    assert "\n" not in str(caught.value)


def test_unknown_keys_name_the_nearest(tmp_path: Path) -> None:
    """A misspelled key in file or environment fails with a list of the known keys."""
    with pytest.raises(
        UsageError, match=r"'vid_strid' in .*settings\.toml \(nearest: vid_stride\); known: source, mode"
    ):
        settings(tmp_path, "vid-strid = 2")
    with pytest.raises(UsageError, match=r"'sorce' in the environment \(nearest: source\)"):
        load({}, environment={"MGTTA_CAM_SORCE": "0"})


def test_a_bad_file_is_reported(tmp_path: Path) -> None:
    """The message names a file that is missing or is not TOML."""
    with pytest.raises(UsageError, match=r"--config .*settings\.toml is not TOML"):
        settings(tmp_path, "topk = = 2")
    with pytest.raises(UsageError, match=r"gone\.toml cannot be read"):
        load({}, environment={}, file=tmp_path / "gone.toml")


def test_the_origin_of_a_bad_value_is_reported(tmp_path: Path) -> None:
    """The message says where a value that is out of range was set."""
    with pytest.raises(UsageError, match=r"--topk in .*settings\.toml: "):
        settings(tmp_path, "topk = 0")


def test_printed_settings_load_again(tmp_path: Path) -> None:
    """The output of --print-config is a file that gives the same settings."""
    awkward = 'a "b" \\ \t ü.mp4'
    before = settings(tmp_path, source=awkward, lr="1e-3", show=False, save="out/x.mkv", realtime=True)
    assert settings(tmp_path, to_toml(before)) == before


def test_no_secret_is_printed(tmp_path: Path) -> None:
    """Neither form of the settings contains the source's passwords."""
    secret = settings(tmp_path, source="rtsp://me:hunter2@host/x?token=hunter2")
    assert "hunter2" not in to_toml(secret)
    assert "hunter2" not in str(to_dict(secret))
    with pytest.raises(UsageError) as caught:
        settings(tmp_path, mode="rtsp://me:hunter2@host/x")
    assert "hunter2" not in str(caught.value)


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    """Settings stay as the log's header has them."""
    with pytest.raises(AttributeError):
        settings(tmp_path).topk = 3  # type: ignore[misc]


def test_every_option_is_described() -> None:
    """Each field has a panel and a help text."""
    fields = fields_of_settings()
    assert len({flag(name) for name in fields}) == len(fields)
    for name, info in fields.items():
        assert info.description.endswith("."), name
        assert info.json_schema_extra["panel"] in PANELS, name
