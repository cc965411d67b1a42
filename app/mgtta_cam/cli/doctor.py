"""`mgtta-cam doctor`: what this machine can do, one line per finding, with a remedy where something is missing."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from mgtta_cam.log.provenance import package_version, versions

Mark = Literal["ok", "note", "bad"]  # bad: something does not work
SMALL_DISK_GB = 1.0
WHEELS = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")


class Finding(NamedTuple):
    """One fact about this machine."""

    what: str
    mark: Mark
    found: str
    remedy: str = ""


def findings() -> Iterator[Finding]:
    """Yields all findings; each is checked only when it is requested."""
    yield from _software()
    yield from _devices()
    yield from _runtimes()
    yield from _display()
    yield from _codecs()
    yield from _cameras()
    yield from _weights()
    yield from _disk()


def _software() -> Iterator[Finding]:
    known = versions()
    yield Finding("python", "ok", f"{known.pop('python')} on {known.pop('platform')}")
    yield Finding("versions", "ok", ", ".join(f"{name} {number}" for name, number in known.items() if number))
    wheels = [name for name in WHEELS if package_version(name)]
    if len(wheels) > 1:
        remedy = f"pip uninstall {' '.join(wheels)}, then pip install {wheels[0]}: they overwrite each other's files"
        yield Finding("opencv", "bad", f"{' and '.join(wheels)} are installed", remedy)


def _devices() -> Iterator[Finding]:
    import torch

    threads = torch.get_num_threads()
    yield Finding("cpu", "ok", f"{platform.machine()}, {os.cpu_count()} cores, threads: {threads}, fp32")
    if not torch.cuda.is_available():
        built = torch.version.cuda
        remedy = (
            "ViT-B needs an NVIDIA GPU and its driver to keep up with live video"
            if built
            else "install a CUDA build of torch"
        )
        yield Finding("cuda", "note", f"no device (torch is built for {f'CUDA {built}' if built else 'CPUs'})", remedy)
    for index in range(torch.cuda.device_count()):
        facts = torch.cuda.get_device_properties(index)
        kinds = "fp32, tf32, bf16, fp16" if facts.major >= 8 else "fp32, fp16"
        yield Finding(f"cuda:{index}", "ok", f"{facts.name}, {facts.total_memory / 2**30:.0f} GiB, {kinds}")


def _runtimes() -> Iterator[Finding]:
    try:
        import onnxruntime
    except ImportError:
        yield Finding("onnxruntime", "note", "not installed", "pip install onnxruntime, or onnxruntime-gpu")
        return
    yield Finding("onnxruntime", "ok", ", ".join(onnxruntime.get_available_providers()))


def _display() -> Iterator[Finding]:
    from mgtta_cam.sinks.display import display_problem

    problem = display_problem()
    if problem is None:
        yield Finding("display", "ok", "windows can be opened")
    else:
        yield Finding("display", "note", problem, "--save records what a window would show")


def _codecs() -> Iterator[Finding]:
    from mgtta_cam.sinks.video import CONTAINERS, LOSSLESS

    kinds = {suffix: container.codec for suffix, container in CONTAINERS.items()}
    written = {f"{codec} ({suffix})": _encodes(suffix, codec) for suffix, codec in kinds.items()}
    written[f"{LOSSLESS} (.mkv)"] = _encodes(".mkv", LOSSLESS)
    good, bad = ([name for name, works in written.items() if works is wanted] for wanted in (True, False))
    if good:
        yield Finding("video out", "ok", ", ".join(good))
    if bad:
        yield Finding("video out", "bad", f"cannot be written: {', '.join(bad)}", "reinstall opencv-python")


def _encodes(suffix: str, codec: str) -> bool:
    """Tells whether such a file can be written."""
    import numpy as np

    from mgtta_cam.errors import OutputError
    from mgtta_cam.sinks.video import VideoSink
    from mgtta_cam.types import Frame, FrameResult

    image = np.zeros((64, 64, 3), np.uint8)
    result = FrameResult(Frame(0, 0.0, image), np.zeros(1, np.float32), 0.0, "none")
    with tempfile.TemporaryDirectory() as folder:
        try:
            sink = VideoSink(Path(folder, f"x{suffix}"), 25.0, lambda _: image, codec=codec)
            sink.write(result)
            sink.close()
        except OutputError:
            return False
    return True


def _cameras() -> Iterator[Finding]:
    """Looks at device files only, because opening a camera would take it from another program."""
    there = sorted(Path("/dev").glob("video[0-9]*"), key=lambda path: int(path.name[5:] or 0))
    closed = [str(path) for path in there if not os.access(path, os.R_OK | os.W_OK)]
    if closed:
        yield Finding("cameras", "bad", f"no permission: {', '.join(closed)}", "add your user to the group `video`")
    if open_ones := [path for path in there if str(path) not in closed]:
        yield Finding("cameras", "ok", ", ".join(f"{path.name[5:]} ({_title(path)})" for path in open_ones))
    if not there and platform.system() == "Linux":
        yield Finding("cameras", "note", "none", "connect one, or use a file or an address as --source")


def _title(device: Path) -> str:
    """Returns the name that a camera reports."""
    try:
        return Path("/sys/class/video4linux", device.name, "name").read_text(encoding="utf-8").strip()
    except OSError:
        return "unnamed"


def _weights() -> Iterator[Finding]:
    from mgtta_models import files, shipped

    for entry in shipped.manifest():
        if os.path.isfile(entry.path) and files.sha256(entry.path) == entry.sha256:
            words = f"{entry.file}, {entry.kind} of {entry.model}, sha256 {entry.sha256[:16]}"
            yield Finding("shipped", "ok", words)
        else:
            yield Finding("shipped", "bad", f"{entry.file} is missing or damaged", "reinstall mgtta-cam")
    from huggingface_hub.constants import HF_HUB_CACHE

    cached = sorted(path.name.removeprefix("models--") for path in Path(HF_HUB_CACHE).glob("models--timm--*"))
    remedy = "" if cached else "weights are downloaded on first use; offline, give --weights FILE"
    yield Finding("hub cache", "ok" if cached else "note", ", ".join(cached) or f"no weights in {HF_HUB_CACHE}", remedy)


def _disk() -> Iterator[Finding]:
    free = shutil.disk_usage(Path()).free / 1e9
    small = free < SMALL_DISK_GB
    remedy = "an hour of log and video takes about 1 GB: free some space, or write elsewhere" if small else ""
    yield Finding("disk", "bad" if small else "ok", f"{free:.1f} GB free here", remedy)
