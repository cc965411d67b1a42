"""Compare a replay's weights, files and software with those of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mgtta_cam.log.format import Record, finite

MODEL_FACTS = {"sha256": "weights", "classes_sha256": "class names", "preprocess": "preprocessing"}
SOFTWARE = (
    "mgtta-cam",
    "torch",
    "timm",
    "numpy",
    "opencv-python",
    "ffmpeg",
    "platform",
    "onnxruntime",
    "onnxruntime-gpu",
)


def other_files(header: Record, model: Mapping[str, Any], learned_before: Mapping[str, str]) -> Iterator[str]:
    """Describe files that differ from those of the run, so that no replay can be equal."""
    for name, what in MODEL_FACTS.items():
        before, now = header["model"].get(name), finite(model[name])[0]  # as JSON gives it back
        if before != now:
            yield f"{model['name']} has different {what} than in the log: {now} now, {before} then"
    for name, digest in header["learned_before"].items():
        if learned_before.get(name, digest) != digest:
            yield f"the {name} file of method {header['method']} differs from the one in the log"


def other_software(header: Record, versions: Mapping[str, Any], compute: Mapping[str, Any]) -> Iterator[str]:
    """Describe software and hardware that differ from the run's, so that the last bits may differ."""
    for name in SOFTWARE:
        before, now = header["versions"].get(name), versions.get(name)
        if before != now:
            yield f"{name} {before} then, {now} now"
    for name, now in compute.items():
        if header.get(name) != now:
            yield f"{name.replace('_', ' ')} {header.get(name)} then, {now} now"
