"""Assembles a run from its settings: what is cheap to check first, the model last."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgtta_cam.adaptation.methods import asked, deployed, provenance
from mgtta_cam.assembly import sinks as outputs
from mgtta_cam.assembly.frames import prepared_frames
from mgtta_cam.assembly.model import accelerate, load_model
from mgtta_cam.assembly.pipeline import build_pipeline, elsewhere
from mgtta_cam.assembly.source import Opened, open_stream
from mgtta_cam.config.settings import Settings
from mgtta_cam.digests import of_file
from mgtta_cam.events import EventHandler, ignore
from mgtta_cam.log.provenance import compute, describe
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.session import Display, Outcome, Session, play
from mgtta_cam.types import FrameResult, Image, Sink

if TYPE_CHECKING:
    from mgtta_cam.stream.pipeline import Pipeline
    from mgtta_models import Backbone

Render = Callable[[FrameResult], Image]


@dataclass(frozen=True, slots=True)
class Outputs:
    """What gets results besides the outputs that the settings name."""

    argv: Sequence[str] = ()  # the command line, for the log
    sinks: Sequence[Sink] = ()
    picture: Path | None = None  # where the last result goes, if anywhere
    displays: Callable[[Render], dict[str, Display]] | None = None  # in the place of the settings' own


def assemble(
    settings: Settings,
    controls: Controls,
    emit: EventHandler,
    extra: Outputs,
    *,
    images: Iterable[Any] | None = None,
    load: Callable[[Settings], Backbone] | None = None,
) -> Session:
    """A run from its settings.

    Args:
        settings: all options.
        controls: where keys and signals go.
        emit: gets events; the log gets them too.
        extra: command line and further outputs.
        images: RGB arrays, in the place of a source that the settings name.
        load: gives the model, in the place of the one that the settings name.

    Raises:
        UsageError, SourceError, OutputError, ModelError: with one line each. Nothing stays open then.
    """
    opened = open_stream(settings, controls, emit, images)
    try:
        backbone = (load or load_model)(settings)
        accelerate(settings, backbone, opened.events)
        return assemble_opened(opened, backbone, extra)
    except BaseException:
        opened.close()
        raise


def play_run(settings: Settings, controls: Controls, sinks: Sequence[Sink]) -> Outcome:
    """A run like that of the command line, from first to last, with further sinks and no events."""
    return play(assemble(settings, controls, ignore, Outputs(["bench"], sinks)))


def assemble_opened(opened: Opened, backbone: Backbone, extra: Outputs) -> Session:
    """The rest of a run, around its model.

    Args:
        opened: its source.
        backbone: its model, or a twin of its own.
        extra: command line and further outputs.

    Raises:
        UsageError, OutputError, ModelError: with one line each.
    """
    from mgtta_cam.adaptation.checkpoint import keep
    from mgtta_cam.overlay.renderer import renderer
    from mgtta_cam.sinks.snapshot import Snapshots

    settings, controls = opened.settings, opened.controls
    before = _state_before(settings)
    pipeline = build_pipeline(settings, backbone, controls, opened.queue)
    save_state = outputs.restore_state(settings, pipeline.adaptation, backbone)
    frames, close_source = prepared_frames(opened, backbone)
    drawn = partial(renderer, controls, backbone.classes, settings.topk, corrupting=bool(opened.plan.entries))
    render = drawn()
    facts = _facts(opened, backbone)
    journal = None
    if settings.log is not None:
        learned = {**provenance(settings, backbone), **before}
        more = {**compute(backbone), "learned_before": learned, "adapted": list(pipeline.adaptation.learner.adapted)}
        journal = outputs.log_writer(settings, extra.argv, backbone, {**facts, **more})
        opened.events.others.append(journal.event)
    opened.events("open", source=dict(opened.source.facts))
    if extra.displays is not None:
        displays = extra.displays(render)
    else:
        displays = outputs.windows(settings, render, opened.events)
        displays |= outputs.web(settings, drawn(), backbone.classes, controls, opened.events.user, opened.queue)
    return Session(
        frames=frames,
        pipeline=elsewhere(pipeline),
        controls=controls,
        sinks=[*outputs.recorders(settings, opened.source.fps, render, extra.picture), *extra.sinks],
        displays=displays,
        journal=journal,
        snapshot=Snapshots(Path(), render).save,
        emit=opened.events,
        deliver=opened.queue.deliver,
        facts=lambda: facts,
        save_state=save_state,
        save_state_to=lambda path: keep(path, pipeline.adaptation, backbone.digest),
        close=partial(_close, close_source, pipeline),
    )


def _close(close_source: Callable[[], None], pipeline: Pipeline) -> None:
    close_source()
    pipeline.close()


def _state_before(settings: Settings) -> dict[str, str]:
    """The digest of what an earlier run learned: the file is written anew at the end."""
    state = settings.state
    return {"state": of_file(state)} if state is not None and os.path.exists(state) else {}


def _facts(opened: Opened, backbone: Backbone) -> dict[str, Any]:
    """What a run is, for its log and its summary."""
    settings = opened.settings
    return {
        "source": opened.source.facts,
        "model": describe(backbone),
        "method": settings.method,
        "spec": str(deployed(settings, backbone, asked(settings))),
        "adapt": settings.adapt,
        "device": str(backbone.device),
    }
