"""Provenance of a run, for the header of its log: versions, device, model, source."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgtta_cam.redaction import redact

if TYPE_CHECKING:
    from mgtta_models import Backbone

ROOT = Path(__file__).resolve().parents[3]  # the repository, if this is a clone
PACKAGES = ("torch", "timm", "numpy", "opencv-python", "onnxruntime", "onnxruntime-gpu")


def header(argv: Sequence[str], **facts: Any) -> dict[str, Any]:
    """Makes a run's header: its id, command line (secrets hidden), versions, and the given facts."""
    return {"run": uuid.uuid4().hex, "argv": [redact(word) for word in argv], "versions": versions(), **facts}


def versions() -> dict[str, str | None]:
    """Returns the versions of this program and of what its results depend on; None for what is not installed."""
    return {
        "mgtta-cam": package_version("mgtta-cam"),
        "git": git_revision(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "ffmpeg": _ffmpeg(),
        **{name: package_version(name) for name in PACKAGES},
    }


def describe(backbone: Backbone) -> dict[str, Any]:
    """Describes a model for log and summary."""
    return {
        "name": backbone.name,
        "sha256": backbone.digest,
        "classes": len(backbone.classes),
        "classes_sha256": hashlib.sha256("\n".join(backbone.classes).encode()).hexdigest(),
        "preprocess": asdict(backbone.preprocess),
    }


def compute(backbone: Backbone) -> dict[str, Any]:
    """Describes how numbers are computed; a replay must match this to give identical results."""
    import torch

    from mgtta_models.together import Together

    return {
        "device": str(backbone.device),
        "device_name": torch.cuda.get_device_name(backbone.device) if backbone.device.type == "cuda" else None,
        "threads": torch.get_num_threads(),
        "runtime": getattr(backbone.engine, "runtime", "torch"),
        "together": isinstance(backbone.engine, Together),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "matmul_precision": torch.get_float32_matmul_precision(),
    }


def package_version(name: str) -> str | None:
    """Returns the version of an installed distribution, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def git_revision() -> str | None:
    """Returns the revision of the working tree that this runs from; None for an installed package."""
    if not os.path.exists(ROOT / ".git"):
        return None
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None


def _ffmpeg() -> str | None:
    import cv2

    found = re.search(r"avcodec:\s+YES \(([\d.]+)\)", cv2.getBuildInformation())
    return f"avcodec {found[1]}" if found else None
