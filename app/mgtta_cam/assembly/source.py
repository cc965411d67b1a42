"""From a source's address to the frames that the pipeline gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from mgtta_cam.assembly.model import on_threads
from mgtta_cam.config.settings import Settings
from mgtta_cam.errors import UsageError
from mgtta_cam.events import EventHandler, EventQueue
from mgtta_cam.sources import address as addresses
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.corruption_control import Plan
from mgtta_cam.stream.prefetch import ahead
from mgtta_cam.types import Frame

if TYPE_CHECKING:
    from mgtta_cam.sources.backoff import Backoff
    from mgtta_cam.sources.chaos import Chaos
    from mgtta_cam.sources.folder import FolderSource
    from mgtta_cam.sources.live import LiveSource
    from mgtta_cam.sources.video import VideoSource
    from mgtta_cam.stream.preprocess import FramePreprocessor
    from mgtta_models import Backbone

    OpenSource = VideoSource | FolderSource | LiveSource


def open_source(
    settings: Settings, address: addresses.Address, stopped: Callable[[], bool], emit: EventHandler
) -> OpenSource:
    """Opens a source, on a thread so that a signal need not wait for it.

    Args:
        settings: all options.
        address: what to open.
        stopped: asked by a source that waits.
        emit: hears of events, on the source's thread.
    """
    from mgtta_cam.sources.folder import FolderSource
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
        how["meddle"] = chaos(settings, address, emit)
    if address.kind == "pictures":
        return FolderSource(address.paths, name=address.shown)
    if address.kind == "video":
        damage = {"on_corrupt": settings.on_corrupt, "strict": settings.strict}
        return in_thread(partial(VideoSource, address.paths[0], **how, **damage))
    where = address.camera if address.kind == "camera" else address.url
    how |= {"shown": address.shown, "rtsp_transport": settings.rtsp_transport, "stopped": stopped}
    return in_thread(partial(LiveSource, where, reconnect=backoff(settings), **how))


def chaos(settings: Settings, address: addresses.Address, emit: EventHandler) -> Chaos:
    """The faults that were asked for.

    Raises:
        UsageError: if they cannot be read, or cannot be put into such a source.
    """
    from mgtta_cam.sources.chaos import Chaos, parse

    if address.kind == "pictures":
        raise UsageError("--chaos puts faults into videos, cameras and streams; the source is pictures")
    try:
        faults = parse(settings.chaos or "")
    except ValueError as error:
        raise UsageError(f"--chaos: {error}") from None
    return Chaos(faults, settings.read_timeout, live=address.live, seed=settings.seed, emit=emit)


def backoff(settings: Settings) -> Backoff | None:
    """How a live source is opened again, if it is.

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


def freshest(settings: Settings, address: addresses.Address) -> bool:
    """Whether frames are left out that are not the newest."""
    return settings.mode == "freshest" or (settings.mode == "auto" and address.live)


def stream(
    settings: Settings,
    address: addresses.Address,
    source: OpenSource,
    backbone: Backbone,
    controls: Controls,
    event_queue: EventQueue,
) -> tuple[Iterable[Frame], Callable[[], None]]:
    """The frames as the pipeline gets them, and what lets their source go."""
    from mgtta_cam.sources import labels, stages
    from mgtta_cam.sources.reader import Reader

    def stopped() -> bool:
        return controls.stopped

    label_of = labels.choose(address, settings.label, settings.truth, backbone.labels.index)
    labeled = stages.labeled(label_of) if label_of is not None else iter
    reading: Iterable[Frame] = stages.repeated(lambda: labeled(source), settings.loop, 1 / source.fps)
    if settings.realtime and not address.live:
        reading = stages.at_own_speed(stopped)(reading)
    fresh = freshest(settings, address)
    watch = getattr(source, "watch", lambda: None)  # of live sources
    reader = Reader(reading, keep="freshest" if fresh else "all", stopped=stopped, idle=watch)
    chosen = [stages.fresh(settings.max_staleness)] if fresh else []
    chosen += [stages.between(settings.start, settings.duration)]
    chosen += [stages.every(settings.vid_stride)] if settings.vid_stride > 1 else []
    chosen += [stages.at_rate(settings.max_fps)] if settings.max_fps else []
    chosen += [stages.at_most(settings.max_frames)] if settings.max_frames else []

    def close() -> None:
        reader.close()
        event_queue.deliver()
        if not reader.alive:
            source.close()

    return stages.chained(reader, *chosen), close


def preparing(
    settings: Settings, plan: Plan, known: Iterable[tuple[str, int]], backbone: Backbone
) -> FramePreprocessor:
    """What becomes of frames before the model sees them.

    Args:
        settings: all options.
        plan: a corruption for each frame.
        known: corruptions that are compiled before the first frame.
        backbone: whose input they become.

    Raises:
        UsageError: if --frost-dir lacks a picture.
    """
    from mgtta_cam.corruptions import Corruptor
    from mgtta_cam.stream.preprocess import FramePreprocessor

    on_crop = settings.corrupt_on == "crop"
    try:
        corruptor = Corruptor(settings.seed, scale="fidelity" if on_crop else "display", frost_dir=settings.frost_dir)
    except ValueError as error:
        raise UsageError(f"--frost-dir: {error}") from None
    return FramePreprocessor(backbone.preprocess.crop, corruptor, plan, on_crop=on_crop, known=known)


def prefetched_frames(
    preparation: FramePreprocessor, frames: Iterable[Frame], changed: Callable[[], bool]
) -> Iterator[Frame]:
    """Frames prepared on a thread, each while the one before it is answered.

    Not for live sources: it would make frames older.

    Args:
        preparation: what becomes of each.
        frames: from their source.
        changed: whether the plan is another one since the latest was prepared.
    """

    def revised(frame: Frame) -> Frame:
        return preparation.again(frame) if changed() else frame

    return ahead(on_threads(1, preparation)(frames), "frames", revised)
