"""`mgtta_cam.replay`, `bench` and `corrupt`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mgtta_cam
from mgtta_cam.errors import ReplayError, UsageError
from tests.mgtta_cam.clips import write_clip
from tests.mgtta_cam.pictures import write_pictures
from tests.mgtta_cam.tiny import write_model


def options(folder: Path) -> dict[str, Any]:
    """Of a tiny model."""
    return {"model": "tiny", "weights": write_model(folder / "tiny.safetensors"), "device": "cpu"}


def test_a_log_is_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the bit, with the facts of `replay --json`; a changed answer is found."""
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "clip.mkv", 10)
    own: dict[str, Any] = {**options(tmp_path), "runtime": "torch", "method": "tent", "adapt_batch": 4}
    list(mgtta_cam.stream("clip.mkv", log="a.jsonl", **own))
    facts = mgtta_cam.replay("a.jsonl")["replay"]
    assert (facts["equal"], facts["frames_compared"]) == (True, 10)
    lines = [json.loads(line) for line in Path("a.jsonl").read_text().splitlines()]
    next(line for line in lines if line["type"] == "frame")["out"] = "0" * 16
    Path("b.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    changed = mgtta_cam.replay("b.jsonl")["replay"]
    assert (changed["equal"], changed["difference"]["what"]) == (False, "out")
    Path("c.jsonl").write_text("{}\n")
    with pytest.raises((ReplayError, UsageError), match=r"c\.jsonl"):
        mgtta_cam.replay("c.jsonl")


def test_bench_gives_rows(tmp_path: Path) -> None:
    """One a method and corruption, as `bench --json` has them; nothing is left in the folder."""
    pictures = write_pictures(tmp_path / "pictures")
    rows = mgtta_cam.bench(pictures, methods=["none", "tent"], corruptions="fog,snow", batch=4, **options(tmp_path))
    wanted = sorted((method, corruption, 4) for method in ("none", "tent") for corruption in ("fog", "snow"))
    assert sorted((row["method"], row["corruption"], row["batch"]) for row in rows) == wanted
    assert all(0 <= row["top1"] <= 100 for row in rows)
    assert not (Path.cwd() / "mgtta-cam-bench").exists()


@pytest.mark.parametrize("name", ["gaussian_noise", "glass_blur", "fog", "brightness"])
def test_corrupt_takes_a_generator(name: str) -> None:
    """It draws as a RandomState on the same bits does, and moves on, so that a second picture is another."""
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    rng = np.random.default_rng(5)
    first, second = (mgtta_cam.corrupt(image, name, 3, rng) for _ in range(2))
    twin = np.random.RandomState(np.random.default_rng(5).bit_generator)
    np.testing.assert_array_equal(first, mgtta_cam.corrupt(image, name, 3, twin))
    assert (name == "brightness") == bool((first == second).all())
