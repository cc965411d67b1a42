"""A run as it was asked for, put together from its parts."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgtta_cam.adaptation.methods import asked, check_method, deployed, provenance
from mgtta_cam.assembly.model import accelerate, elsewhere, model, pipeline
from mgtta_cam.assembly.sinks import check_outputs, kept, recorders, web, windows
from mgtta_cam.assembly.source import freshest, open_source, prefetched_frames, preparing, stream
from mgtta_cam.config.loading import to_dict
from mgtta_cam.config.settings import Settings
from mgtta_cam.corruptions.names import NAMES
from mgtta_cam.digests import of_file
from mgtta_cam.errors import UsageError
from mgtta_cam.events import EventBus, EventHandler, EventQueue, ignore
from mgtta_cam.log.provenance import compute, describe, header
from mgtta_cam.redaction import fill
from mgtta_cam.sources import address as addresses
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.corruption_control import CorruptionControl, planned
from mgtta_cam.stream.session import Outcome, Session, Window, play
from mgtta_cam.types import FrameResult, Image, Sink

if TYPE_CHECKING:
    from mgtta_cam.assembly.source import OpenSource
    from mgtta_cam.corruptions.schedule import Schedule
    from mgtta_models import Backbone


@dataclass(frozen=True, slots=True)
class Shared:
    """What a run has in common with others beside it."""

    backbone: Backbone  # a twin of its own
    windows: Callable[[Callable[[FrameResult], Image]], dict[str, Window]]  # where results go, drawn by this function


@dataclass(frozen=True, slots=True)
class Opened:
    """The first part of a run: its source delivers, and nothing is loaded or written yet."""

    settings: Settings
    address: addresses.Address
    source: OpenSource
    plan: Schedule
    controls: Controls
    event_bus: EventBus  # hears of events
    event_queue: EventQueue  # takes events of other threads


def before(settings: Settings) -> dict[str, str]:
    """The digest of what an earlier run learned: the file is written anew at the end."""
    kept = settings.state
    return {"state": of_file(kept)} if kept is not None and os.path.exists(kept) else {}


def session(
    settings: Settings,
    argv: Sequence[str],
    controls: Controls,
    emit: EventHandler,
    extra: Sequence[Sink] = (),
    picture: Path | None = None,
) -> Session:
    """A run as it was asked for: what is cheap to check first, the model last.

    Args:
        settings: all options.
        argv: the command line, for the log.
        controls: where keys and signals go.
        emit: hears of events; the log hears of them too.
        extra: further sinks.
        picture: where the last result goes as a picture, if anywhere.

    Raises:
        UsageError, SourceError, OutputError, ModelError: with one line each.
    """
    return assembled(opened(settings, controls, emit), argv, extra, picture)


def play_run(settings: Settings, controls: Controls, sinks: Sequence[Sink]) -> Outcome:
    """A run like that of the command line, from first to last, with further sinks and no events."""
    return play(session(settings, ["bench"], controls, ignore, sinks))


def opened(settings: Settings, controls: Controls, emit: EventHandler) -> Opened:
    """Checks what is cheap to check, and opens the source.

    Args:
        settings: all options.
        controls: where keys and signals go.
        emit: hears of events.

    Raises:
        UsageError, SourceError, OutputError: with one line each.
    """
    if settings.source is None or not settings.source.strip():
        raise UsageError("no source: give --source a camera number, a video, a folder or an address; or try `demo`")
    address = addresses.parse(fill(settings.source, os.environ), shown=settings.source)
    if address.live and settings.loop != 1:
        raise UsageError("--loop plays files again; a live source plays once")
    if settings.reconnect and not address.live:
        raise UsageError("--reconnect opens live sources again; for files there is --loop")
    settings = replace(settings, adapt=settings.adapt or ("background" if address.live else "inline"))
    check_outputs(settings)
    plan = planned(settings.corrupt, settings.corrupt_schedule)
    check_method(settings)
    controls.compare = settings.compare == "split"
    event_bus = EventBus(emit)
    event_queue = EventQueue(event_bus)
    source = open_source(settings, address, lambda: controls.stopped, event_queue)
    return Opened(settings, address, source, plan, controls, event_bus, event_queue)


def assembled(
    begun: Opened,
    argv: Sequence[str],
    extra: Sequence[Sink] = (),
    picture: Path | None = None,
    shared: Shared | None = None,
) -> Session:
    """The rest of a run, from its model to its files.

    Args:
        begun: its source.
        argv: the command line, for the log.
        extra: further sinks.
        picture: where the last result goes as a picture, if anywhere.
        shared: what it has in common with runs beside it.

    Raises:
        UsageError, OutputError, ModelError: with one line each.
    """
    from mgtta_cam.overlay.renderer import renderer
    from mgtta_cam.sources.inspection import INTRA, inspected
    from mgtta_cam.sources.stages import announcing

    settings, address, source = begun.settings, begun.address, begun.source
    controls, event_queue, event_bus = begun.controls, begun.event_queue, begun.event_bus
    taken_up = before(settings)
    if shared is None:
        backbone = model(settings)
        accelerate(settings, backbone, event_bus)
    else:
        backbone = shared.backbone
    loop = pipeline(settings, backbone, controls, event_queue)
    keep = kept(settings, loop, backbone)
    frames, let_go = stream(settings, address, source, backbone, controls, event_queue)
    frames = inspected(intra=source.facts.get("codec") in INTRA)(frames)
    known = {entry.corruption for entry in begun.plan.entries if entry.corruption}
    corruption_control = CorruptionControl(begun.plan, NAMES, controls)
    preparation = preparing(settings, corruption_control, known, backbone)
    if freshest(settings, address):
        frames = preparation(frames)
    else:
        frames = prefetched_frames(preparation, frames, lambda: corruption_control.changed)
    frames = announcing(event_queue)(frames)

    def close() -> None:
        let_go()
        loop.close()

    drawn = partial(renderer, controls, backbone.classes, settings.topk, corrupting=bool(begun.plan.entries))
    render = drawn()
    facts: dict[str, Any] = {"source": source.facts, "model": describe(backbone), "method": settings.method}
    facts |= {"spec": str(deployed(settings, backbone, asked(settings))), "adapt": settings.adapt}
    facts["device"] = str(backbone.device)
    journal = None
    if settings.log is not None:
        from mgtta_cam.log.writer import LogSink

        top = header(
            argv,
            configuration=to_dict(settings),
            seed=settings.seed,
            folder=str(Path.cwd()),
            **{**facts, **compute(backbone)},
            learned_before={**provenance(settings, backbone), **taken_up},
            adapted=list(loop.learner.adapted),
        )
        journal = LogSink(settings.log, top, backbone.classes, settings.topk)
        event_bus.others.append(journal.event)
    event_bus("open", source=dict(source.facts))
    if shared is None:
        shown = windows(settings, render, event_bus)
        shown |= web(settings, drawn(), backbone.classes, controls, event_bus.user, event_queue)
    else:
        shown = shared.windows(render)
    from mgtta_cam.sinks.snapshot import Snapshots

    return Session(
        frames=frames,
        pipeline=elsewhere(loop),
        controls=controls,
        sinks=[*recorders(settings, source.fps, render, picture), *extra],
        windows=shown,
        journal=journal,
        snapshot=Snapshots(Path(), render).save,
        emit=event_bus,
        deliver=event_queue.deliver,
        facts=lambda: facts,
        keep=keep,
        close=close,
    )
