"""What a replay must have the same as the run: weights, files that were learned before, and the software."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mgtta_cam.log.format import Record, finite

WEIGHTY = {"sha256": "weights", "classes_sha256": "class names", "preprocess": "preprocessing"}
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
    """What is not as it was, of what a run is made of: with it, no replay can be the same."""
    for name, what in WEIGHTY.items():
        before, now = header["model"].get(name), finite(model[name])[0]  # as JSON gives it back
        if before != now:
            yield f"other {what} of {model['name']} than in the log: {now} now, {before} then"
    for name, digest in header["learned_before"].items():
        if learned_before.get(name, digest) != digest:
            yield f"the {name} of method {header['method']} is another file than that of the log"


def other_software(header: Record, versions: Mapping[str, Any], compute: Mapping[str, Any]) -> Iterator[str]:
    """What else is not as it was: with it, the last bits may differ."""
    for name in SOFTWARE:
        before, now = header["versions"].get(name), versions.get(name)
        if before != now:
            yield f"{name} {before} then, {now} now"
    for name, now in compute.items():
        if header.get(name) != now:
            yield f"{name.replace('_', ' ')} {header.get(name)} then, {now} now"
