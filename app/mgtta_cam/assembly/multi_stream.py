"""Several streams on one model, each with its own adaptation."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgtta_cam.assembly.model import accelerate, load_model
from mgtta_cam.assembly.session import Outputs, assemble_opened
from mgtta_cam.assembly.sinks import check_outputs, recorders, windows
from mgtta_cam.assembly.source import Opened, open_stream
from mgtta_cam.config.settings import Settings
from mgtta_cam.errors import UsageError
from mgtta_cam.events import EventHandler
from mgtta_cam.redaction import fill, redact
from mgtta_cam.sources import address as addresses
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.session import Display, Session
from mgtta_cam.types import FrameResult, Image, Sink

if TYPE_CHECKING:
    from mgtta_cam.sinks.grid import Grid

OWN = ("log", "state", "record_input")  # outputs that each stream has for itself


def assemble_all(
    settings: Sequence[Settings],
    argv: Sequence[str],
    controls: Sequence[Controls],
    emitters: Sequence[EventHandler],
    sinks: Sequence[Sink] = (),
) -> list[Session]:
    """Assembles a run for each stream; they share weights but not what they learn, and are drawn as one grid.

    Args:
        settings: of each stream; they differ in source and in what is their own.
        argv: the command line, for the logs.
        controls: of each.
        emitters: what gets each one's events.
        sinks: get the results of all.

    Raises:
        UsageError, SourceError, OutputError, ModelError: with one line each. What was opened before is closed.
    """
    check_each(settings)
    first = settings[0]
    opened: list[Opened] = []
    sessions: list[Session] = []
    try:
        for one, hands, emit in zip(settings, controls, emitters, strict=True):
            opened.append(open_stream(replace(one, save=None, show=False), hands, emit))
        backbone = load_model(first)
        accelerate(first, backbone, emitters[0], together=True)
        grid = _grid(first, [redact(one.source or "") for one in settings], emitters[0])
        for k, one in enumerate(opened):
            outputs = Outputs(argv, sinks, displays=partial(_places, grid, k))
            sessions.append(assemble_opened(one, backbone.twin(), outputs))
    except BaseException:
        for session in sessions:
            session.close()
        for one in opened[len(sessions) :]:
            one.close()
        raise
    return sessions


def check_each(settings: Sequence[Settings]) -> None:
    """Checks that the streams can run together, before anything is opened.

    Raises:
        UsageError, SourceError, OutputError: if not.
    """
    if settings[0].web is not None:
        raise UsageError("--web shows one stream: remove it, or give one --source")
    if settings[0].truth is not None:
        raise UsageError("--truth applies to one stream; for several, put CLIP.labels.csv next to each video")
    for one in settings:
        addresses.parse(fill(one.source or "", os.environ), shown=one.source)
    read = {f"--source of stream {k}": Path(one.source or "") for k, one in enumerate(settings, start=1)}
    for one in settings:
        check_outputs(one, read)


def numbered(path: Path, number: int) -> Path:
    """Numbers a file name: `run.jsonl.gz` becomes `run-2.jsonl.gz` for stream 2; a device keeps its name."""
    if os.path.exists(path) and not os.path.isfile(path):
        return path
    kind = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
    return path.with_name(f"{path.name.removesuffix(kind)}-{number}{kind}")


def own_settings(settings: Settings, number: int) -> Settings:
    """The settings of stream `number`, from 1: its outputs get its number."""
    named: dict[str, Any] = {name: getattr(settings, name) for name in OWN}
    return replace(settings, **{n: None if path is None else numbered(path, number) for n, path in named.items()})


def _grid(settings: Settings, names: Sequence[str], emit: EventHandler) -> Grid | None:
    """The picture of all streams, if a window or a video shows it."""
    from mgtta_cam.sinks.grid import FPS, Grid

    grid = Grid(names)
    grid.window = windows(settings, grid.image, emit).get("window")
    grid.video = next(iter(recorders(replace(settings, record_input=None), FPS, grid.image, None)), None)
    return grid if grid.window is not None or grid.video is not None else None


def _places(grid: Grid | None, k: int, render: Callable[[FrameResult], Image]) -> dict[str, Display]:
    from mgtta_cam.sinks.grid import Place

    return {} if grid is None else {"window": Place(grid, k, render)}
