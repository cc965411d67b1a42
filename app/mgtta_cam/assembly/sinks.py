"""Sinks from settings: displays, videos, log, state."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgtta_cam.config.loading import to_dict
from mgtta_cam.config.settings import Settings, flag
from mgtta_cam.errors import OutputError, UsageError
from mgtta_cam.events import EventHandler, EventQueue
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.session import Display
from mgtta_cam.types import FrameResult, Image, Sink

if TYPE_CHECKING:
    from rich.console import Console

    from mgtta_cam.adaptation.loop import AdaptationLoop
    from mgtta_cam.log.writer import LogSink
    from mgtta_models import Backbone

TITLE = "mgtta-cam"
OUTPUTS = ("save", "log", "state", "record_input")


def check_outputs(settings: Settings, read: Mapping[str, Path | None] | None = None) -> None:
    """Checks that all output files can be written, before anything slow begins.

    Args:
        settings: all options.
        read: further files that the run reads, by what names them.

    Raises:
        OutputError, UsageError: if one cannot, if two are the same, or one is read.
    """
    from mgtta_cam.outputs import writable

    named = {flag(name): getattr(settings, name) for name in OUTPUTS}
    wanted = {option: path for option, path in named.items() if path is not None}
    if len({path.resolve() for path in wanted.values()}) < len(wanted):
        raise UsageError(f"two of {', '.join(wanted)} name the same file: {', '.join(map(str, wanted.values()))}")
    inputs = {flag(name): path for name, path in vars(settings).items() if name not in OUTPUTS}
    inputs |= {"--source": Path(settings.source or ""), **(read or {})}
    for name, used in inputs.items():
        for option, path in wanted.items():
            if isinstance(used, Path) and os.path.exists(path) and os.path.exists(used) and path.samefile(used):
                raise UsageError(f"{option} {path} is the file that is read as {name}: choose another name")
    for option, path in wanted.items():
        writable(path, overwrite=settings.overwrite or option == "--state")
    if settings.save is not None:
        from mgtta_cam.sinks.video import check_kind

        check_kind(settings.save)
    if settings.record_input is not None and settings.record_input.suffix != ".mkv":
        raise UsageError(f"--record-input expects a file that ends in .mkv; got {settings.record_input.name}")
    if settings.state is not None and settings.state.suffix != ".safetensors":
        raise UsageError(f"--state expects a file that ends in .safetensors; got {settings.state.name}")
    if settings.web is not None:
        from mgtta_cam.sinks.web import address

        listening = address.parse(settings.web)
        address.check(listening)
        if settings.quiet and not listening.private:
            raise UsageError("--web on an address that others can reach prints a token, which --quiet would hide")


def restore_state(settings: Settings, adaptation: AdaptationLoop, backbone: Backbone) -> Callable[[], None]:
    """Restores what an earlier run learned, where `--state` asks for it; returns what saves it at the end.

    Raises:
        UsageError, ModelError: if the file does not fit.
    """
    if settings.state is None:
        return lambda: None
    from mgtta_cam.adaptation.checkpoint import keep, resume

    resume(settings.state, adaptation, backbone.digest)
    return partial(keep, settings.state, adaptation, backbone.digest)


def log_writer(settings: Settings, argv: Sequence[str], backbone: Backbone, facts: Mapping[str, Any]) -> LogSink:
    """The log of a run, with its header written.

    Args:
        settings: all options; `log` is set.
        argv: the command line.
        backbone: the model.
        facts: further ones of the header.

    Raises:
        OutputError: if the file cannot be written.
    """
    from mgtta_cam.log.provenance import header
    from mgtta_cam.log.writer import LogSink

    assert settings.log is not None
    configuration = to_dict(settings)
    top = header(argv, configuration=configuration, seed=settings.seed, folder=str(Path.cwd()), **facts)
    return LogSink(settings.log, top, backbone.classes, settings.topk)


def recorders(
    settings: Settings, fps: float, render: Callable[[FrameResult], Image], picture: Path | None
) -> list[Sink]:
    """The video, the recording and the picture that the settings name."""
    from mgtta_cam.sinks.snapshot import LastSnapshot
    from mgtta_cam.sinks.video import LOSSLESS, VideoSink

    sinks: list[Sink] = []
    rate = fps / settings.vid_stride
    rate = min(rate, settings.max_fps or rate)
    if settings.save is not None:
        stride = ceil(rate / (settings.save_fps or rate) - 1e-6)  # 30 of 10.0 is 3, whatever the last bit says
        sinks.append(VideoSink(settings.save, rate / stride, render, overwrite=settings.overwrite, stride=stride))
    if settings.record_input is not None:
        sinks.append(VideoSink(settings.record_input, rate, _input_of, overwrite=settings.overwrite, codec=LOSSLESS))
    if picture is not None:
        sinks.append(LastSnapshot(picture, render, overwrite=settings.overwrite))
    return sinks


def progress_line(console: Console, streams: int) -> Sink:
    """A line on the terminal that shows how a run of `streams` streams is going."""
    from mgtta_cam.sinks.progress import Counting, ProgressLine

    return ProgressLine(console, Counting(streams) if streams > 1 else None)


def _input_of(result: FrameResult) -> Image:
    assert result.crop is not None
    return result.crop


def windows(settings: Settings, render: Callable[[FrameResult], Image], emit: EventHandler) -> dict[str, Display]:
    """The window, if it is wanted and there is a display; otherwise an event says why there is none."""
    if settings.show is False:
        return {}
    from mgtta_cam.sinks.display import display_problem
    from mgtta_cam.sinks.window import WindowSink

    if problem := display_problem():
        if settings.show:
            raise OutputError(f"--show: {problem}")
        emit("headless", why=problem)
        return {}
    return {"window": WindowSink(TITLE, render)}


def web(
    settings: Settings,
    render: Callable[[FrameResult], Image],
    classes: Sequence[str],
    controls: Controls,
    emit: EventHandler,
    queue: EventQueue,
) -> dict[str, Display]:
    """The web view, if it is wanted.

    Args:
        settings: all options.
        render: draws a result; nobody else may use it.
        classes: names by class index.
        controls: what keys change.
        emit: a person, who alone may hear of the address: it may hold the token.
        queue: takes internal errors, on any thread.

    Raises:
        OutputError: if the address cannot be used.
    """
    if settings.web is None:
        return {}
    from mgtta_cam.sinks.web import address
    from mgtta_cam.sinks.web.view import WebView

    view = WebView(address.parse(settings.web), render, classes, controls, lambda why: queue("web-mistake", why=why))
    emit("web", url=view.url)
    return {"web": view}
