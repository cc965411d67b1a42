"""A replay, assembled from its parts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgtta_cam.adaptation.methods import provenance
from mgtta_cam.assembly.frames import frame_preprocessor, prefetched_frames
from mgtta_cam.assembly.model import accelerate, load_model
from mgtta_cam.assembly.pipeline import build_pipeline, build_replay_pipeline, elsewhere
from mgtta_cam.assembly.sinks import check_outputs, recorders, web, windows
from mgtta_cam.assembly.source import open_source
from mgtta_cam.config.settings import Settings
from mgtta_cam.digests import of_file
from mgtta_cam.errors import ReplayError, SourceError, UsageError
from mgtta_cam.events import EventHandler, EventQueue, ignore
from mgtta_cam.log.provenance import compute, describe, versions
from mgtta_cam.redaction import fill
from mgtta_cam.replay import inputs, origin
from mgtta_cam.replay.settings import found
from mgtta_cam.replay.tape import Tape
from mgtta_cam.replay.verify import Comparison
from mgtta_cam.sources import address as addresses
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.prefetch import prefetched
from mgtta_cam.stream.session import Session
from mgtta_cam.types import Frame, Sink

if TYPE_CHECKING:
    from mgtta_models import Backbone

FILES = ("video", "pictures")  # kinds of sources that can be played again


@dataclass(frozen=True, slots=True)
class Check:
    """How a replay is compared with its log."""

    tolerance: float | None = None  # by how much numbers may differ; None: to the bit
    strict: bool = False  # the first difference ends it


def assemble_replay(
    tape: Tape,
    settings: Settings,
    recording: Path | None,
    check: Check,
    *,
    emit: EventHandler,
    sinks: Sequence[Sink] = (),
) -> tuple[Session, Comparison]:
    """Assembles a replay of a log, which compares each line.

    Args:
        tape: the log.
        settings: those of the log, with files and outputs of today.
        recording: of the model's input; None: where the log says, if it is there.
        check: how.
        emit: gets events.
        sinks: further ones.

    Raises:
        UsageError, SourceError, OutputError, ModelError, ReplayError: with one line each.
    """
    from mgtta_cam.adaptation.checkpoint import resume
    from mgtta_cam.overlay.renderer import renderer

    controls = Controls()
    own = _recording(tape, recording)
    read = {"LOG": tape.path, "the run's recording": own, "--state": settings.state}
    check_outputs(replace(settings, state=None), read)
    _check_state(tape, settings)
    backbone = load_model(settings)
    accelerate(settings, backbone, emit, together=tape.header.get("together", False))
    _check_origin(tape, settings, backbone, check, emit)

    def adapted() -> Sequence[str]:
        return loop.learner.adapted

    how: dict[str, Any] = {"damage": tape.damage, "tolerance": check.tolerance, "strict": check.strict}
    comparison = Comparison(backbone.classes, settings.topk, adapted, **how)
    event_queue = EventQueue(emit)
    loop = build_replay_pipeline(tape, settings, backbone, comparison, event_queue)
    if settings.state is not None:
        resume(settings.state, loop, backbone.digest)
    frames, fps, let_go = _frames(tape, settings, own, backbone, controls)
    drawn = partial(renderer, controls, backbone.classes, settings.topk, corrupting=bool(tape.corruptions))
    render = drawn()
    controls.compare = settings.compare == "split"
    session = Session(
        frames,
        elsewhere(loop),
        controls,
        sinks=[*recorders(settings, fps, render, None), *sinks],
        displays=windows(settings, render, emit)
        | web(settings, drawn(), backbone.classes, controls, emit, event_queue),
        emit=emit,
        deliver=event_queue.deliver,
        facts=lambda: {"log": str(tape.path), "method": settings.method},
        close=_both(let_go, loop.close),
    )
    return session, comparison


def assemble_what_if(
    tape: Tape,
    settings: Settings,
    recording: Path | None,
    *,
    emit: EventHandler,
    sinks: Sequence[Sink],
) -> Session:
    """Assembles a run of a log's frames under other settings, from the source model.

    Raises:
        UsageError, SourceError, ModelError: with one line each.
    """
    controls = Controls()
    backbone = load_model(settings)
    accelerate(settings, backbone, emit)
    event_queue = EventQueue(emit)
    loop = build_pipeline(settings, backbone, controls, event_queue)
    frames, _, let_go = _frames(tape, settings, _recording(tape, recording), backbone, controls)
    close = _both(let_go, loop.close)
    return Session(frames, elsewhere(loop), controls, sinks, emit=emit, deliver=event_queue.deliver, close=close)


def _check_origin(tape: Tape, settings: Settings, backbone: Backbone, check: Check, emit: EventHandler) -> None:
    others = list(origin.other_files(tape.header, describe(backbone), provenance(settings, backbone)))
    if others and check.strict:
        raise ReplayError("; ".join(others))
    soft = origin.other_software(tape.header, versions(), compute(backbone)) if check.tolerance is None else ()
    for why in (*others, *soft):
        emit("other", why=why)


def _check_state(tape: Tape, settings: Settings) -> None:
    """Checks that the state that the run began with is given, if it did not begin with the source model.

    Raises:
        UsageError: if it is not, or is another.
    """
    expected = tape.header["learned_before"].get("state")
    given = settings.state
    if given is not None and not os.path.isfile(given):
        raise UsageError(f"--state {given}: there is no such file")
    if expected is None:
        if given is not None:
            raise UsageError("the run began with the source model: remove --state")
        return
    copy = f"a copy from before the run is needed, whose digest is {expected}"
    if given is None:
        raise UsageError(f"the run began with a saved state: {copy}; give it with --state")
    if (digest := of_file(given)) != expected:
        raise UsageError(f"--state {given} is not what the run began with (digest {digest}): {copy}")


def _frames(
    tape: Tape, settings: Settings, path: Path | None, backbone: Backbone, controls: Controls
) -> tuple[Iterable[Frame], float, Callable[[], None]]:
    """The frames of the log as the loop gets them, their rate, and what closes their source.

    They come from the recording at `path`, or from the file that was played.
    """
    from mgtta_cam.sources.stages import repeated
    from mgtta_cam.sources.video import VideoSource

    def records() -> Iterator[dict[str, Any]]:
        return (logged.frame for logged in tape.logged_frames())

    if path is not None:
        video = VideoSource(path)
        return prefetched(inputs.recorded(records(), video, backbone.labels.index), "frames"), video.fps, video.close
    address = _played(tape, settings)
    source = open_source(settings, address, lambda: controls.stopped, EventQueue(ignore))
    frames = repeated(lambda: source, settings.loop, 1 / source.fps)
    preprocessor = frame_preprocessor(settings, inputs.LoggedCorruptions(records()), tape.corruptions, backbone)
    played = inputs.played(records(), frames, backbone.labels.index)
    return prefetched_frames(preprocessor, played, lambda: False), source.fps, source.close


def _recording(tape: Tape, given: Path | None) -> Path | None:
    if given is not None:
        if not os.path.exists(given):
            raise SourceError(f"--recording {given}: there is no such file")
        return given
    logged = tape.header["configuration"].get("record_input")
    path = Path(found(logged, tape)) if logged else None
    return path if path is not None and os.path.exists(path) else None


def _played(tape: Tape, settings: Settings) -> addresses.Address:
    """The file that was played.

    Raises:
        SourceError: if it was none, or is gone.
        ReplayError: if it is another one now.
    """
    facts = tape.header["source"]
    name = facts.get("name", "the source")
    text = fill(settings.source or "", os.environ)
    if facts.get("kind") not in FILES:
        recording = tape.header["configuration"].get("record_input")
        lost = f"its recording {recording} is not there, say where with --recording"
        never = "record them next time with --record-input (`mgtta-cam report` reads this log all the same)"
        raise SourceError(f"{name} was a live source, its frames are gone: {lost if recording else never}")
    try:
        address = addresses.parse(found(text, tape), shown=settings.source)
    except SourceError as error:
        raise SourceError(f"{error}; if the file lies elsewhere now, say where with --source") from None
    digest = facts.get("digest")
    if address.kind == "video" and digest is not None and of_file(address.paths[0]) != digest:
        raise ReplayError(f"{address.shown} is not the file that was played (digest {digest}): say where with --source")
    return address


def _both(*ends: Callable[[], None]) -> Callable[[], None]:
    def close() -> None:
        for end in ends:
            end()

    return close
