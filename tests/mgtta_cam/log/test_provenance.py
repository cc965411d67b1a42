"""The log's header."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import torch

from mgtta_cam.assembly.model import load_model
from mgtta_cam.config.settings import Settings
from mgtta_cam.log.provenance import compute, describe, header, versions
from mgtta_models import load_backbone
from tests.mgtta_cam.tiny import CLASSES, write_model


def test_the_header_is_plain_and_redacted() -> None:
    """The header is strict JSON, with its own id and without secrets from the command line."""
    one, other = (header(["mgtta-cam", "-s", "rtsp://me:hunter2@host/x"], seed=3) for _ in range(2))
    assert "hunter2" not in json.dumps(one, allow_nan=False)
    assert one["seed"] == 3
    assert one["run"] != other["run"]


def test_versions() -> None:
    """All packages that results depend on are listed; a missing one is null."""
    found = versions()
    assert {"python", "torch", "timm", "opencv-python", "ffmpeg", "git", "onnxruntime"} <= found.keys()
    assert found["torch"]
    assert str(found["ffmpeg"]).startswith("avcodec ")


def test_the_model(tmp_path: Path) -> None:
    """The header has the model's name, hash, normalization and classes, and how it is computed."""
    backbone = load_backbone("tiny", write_model(tmp_path / "tiny.safetensors"))
    facts = describe(backbone)
    assert (facts["name"], facts["sha256"], facts["classes"]) == ("tiny", backbone.digest, len(CLASSES))
    assert facts["preprocess"]["mean"] == (0.5, 0.5, 0.5)
    assert compute(backbone)["device"] == "cpu"
    json.dumps({**facts, **compute(backbone)}, allow_nan=False)


def test_determinism_ends_with_its_run(tmp_path: Path) -> None:
    """A model loaded without --deterministic computes as in a fresh process, whatever ran before."""
    settings = Settings(model="tiny", weights=write_model(tmp_path / "tiny.safetensors"), device="cpu")
    for wanted in (True, False):
        model = load_model(replace(settings, deterministic=wanted))
        assert compute(model)["deterministic"] == wanted
        assert torch.backends.cuda.flash_sdp_enabled() != wanted
        assert torch.backends.cuda.mem_efficient_sdp_enabled() != wanted
