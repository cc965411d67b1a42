"""Opens the source of a run, after the checks that are cheap."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mgtta_cam.adaptation.methods import check_method
from mgtta_cam.assembly.sinks import check_outputs
from mgtta_cam.config.settings import Settings
from mgtta_cam.corruptions.schedule import Schedule
from mgtta_cam.errors import UsageError
from mgtta_cam.events import EventBus, EventHandler, EventQueue
from mgtta_cam.redaction import fill
from mgtta_cam.sources import address as addresses
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.corruption_control import planned

if TYPE_CHECKING:
    from mgtta_cam.sources.backoff import Backoff
    from mgtta_cam.sources.chaos import Chaos
    from mgtta_cam.sources.folder import FolderSource
    from mgtta_cam.sources.iterable import IterableSource
    from mgtta_cam.sources.live import LiveSource
    from mgtta_cam.sources.video import VideoSource

    OpenSource = VideoSource | FolderSource | LiveSource | IterableSource


@dataclass(frozen=True, slots=True)
class Opened:
    """A run whose source is open; nothing is loaded or written yet."""

    settings: Settings
    address: addresses.Address
    source: OpenSource
    plan: Schedule
    controls: Controls
    events: EventBus
    queue: EventQueue  # takes events of other threads

    def close(self) -> None:
        """Closes the source of a run that does not begin."""
        self.source.close()


def open_stream(
    settings: Settings, controls: Controls, emit: EventHandler, images: Iterable[Any] | None = None
) -> Opened:
    """Checks what is cheap to check, and opens the source.

    Args:
        settings: all options.
        controls: where keys and signals go.
        emit: gets events.
        images: RGB arrays, in the place of a source that the settings name.

    Raises:
        UsageError, SourceError, OutputError: with one line each.
    """
    address = addresses.of_program() if images is not None else named_address(settings)
    if address.live and settings.loop != 1:
        raise UsageError("--loop repeats files; a live source cannot be repeated")
    if settings.reconnect and not address.live:
        raise UsageError("--reconnect is for live sources; for files there is --loop")
    if images is not None and settings.loop != 1:
        raise UsageError("loop repeats files; an iterable is read once")
    settings = replace(settings, adapt=settings.adapt or ("background" if address.live else "inline"))
    check_outputs(settings)
    plan = planned(settings.corrupt, settings.corrupt_schedule)
    check_method(settings)
    controls.compare = settings.compare == "split"
    events = EventBus(emit)
    queue = EventQueue(events)
    source = open_source(settings, address, lambda: controls.stopped, queue, images)
    return Opened(settings, address, source, plan, controls, events, queue)


def named_address(settings: Settings) -> addresses.Address:
    """What `--source` names.

    Raises:
        UsageError, SourceError: if it names nothing.
    """
    if settings.source is None or not settings.source.strip():
        raise UsageError("no source: give --source a camera number, a video, a folder or an address; or try `demo`")
    return addresses.parse(fill(settings.source, os.environ), shown=settings.source)


def open_source(
    settings: Settings,
    address: addresses.Address,
    stopped: Callable[[], bool],
    emit: EventHandler,
    images: Iterable[Any] | None = None,
) -> OpenSource:
    """Opens a source, on a thread so that a signal need not wait for it.

    Args:
        settings: all options.
        address: what to open.
        stopped: asked by a source that waits.
        emit: gets events, on the source's thread.
        images: RGB arrays of the calling program, where the address is of that kind.
    """
    from mgtta_cam.sources.folder import FolderSource
    from mgtta_cam.sources.iterable import IterableSource
    from mgtta_cam.sources.live import LiveSource
    from mgtta_cam.sources.reader import in_thread
    from mgtta_cam.sources.video import VideoSource

    how = {
        "open_timeout_s": settings.open_timeout,
        "read_timeout_s": settings.read_timeout,
        "max_bad_reads": settings.max_bad_reads,
        "emit": emit,
    }
    if settings.chaos is not None:
        how["wrap"] = chaos(settings, address, emit)
    if images is not None:
        return IterableSource(images, name=address.shown)
    if address.kind == "pictures":
        return FolderSource(address.paths, name=address.shown)
    if address.kind == "video":
        damage = {"on_corrupt": settings.on_corrupt, "strict": settings.strict}
        return in_thread(partial(VideoSource, address.paths[0], **how, **damage))
    where = address.camera if address.kind == "camera" else address.url
    how |= {"shown": address.shown, "rtsp_transport": settings.rtsp_transport, "stopped": stopped}
    return in_thread(partial(LiveSource, where, reconnect=backoff(settings), **how))


def chaos(settings: Settings, address: addresses.Address, emit: EventHandler) -> Chaos:
    """The faults of --chaos.

    Raises:
        UsageError: if they cannot be read, or cannot be put into such a source.
    """
    from mgtta_cam.sources.chaos import Chaos, parse

    if address.kind == "pictures":
        raise UsageError("--chaos works on videos, cameras and streams; the source is pictures")
    try:
        faults = parse(settings.chaos or "")
    except ValueError as error:
        raise UsageError(f"--chaos: {error}") from None
    return Chaos(faults, settings.read_timeout, live=address.live, seed=settings.seed, emit=emit)


def backoff(settings: Settings) -> Backoff | None:
    """How a lost live source is reopened; None if it is not.

    Raises:
        UsageError: if the waits contradict each other.
    """
    from mgtta_cam.sources.backoff import Backoff

    if settings.reconnect is False:
        return None
    try:
        return Backoff(settings.reconnect_attempts, settings.reconnect_delay, settings.reconnect_max_delay)
    except ValueError:
        first, longest = settings.reconnect_delay, settings.reconnect_max_delay
        raise UsageError(f"--reconnect-delay {first:g} is longer than --reconnect-max-delay {longest:g}") from None
