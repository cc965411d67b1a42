"""From a source's address to the frames that the pipeline gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from app.controls import Controls
from app.errors import UsageError
from app.notices import Notices
from app.settings import Settings
from app.sources import address as addresses
from app.steering import Plan
from app.types import Frame, Stage

if TYPE_CHECKING:
    from app.sources.backoff import Backoff
    from app.sources.chaos import Chaos
    from app.sources.folder import FolderSource
    from app.sources.live import LiveSource
    from app.sources.video import VideoSource
    from models import Backbone

    OpenSource = VideoSource | FolderSource | LiveSource


def open_source(
    settings: Settings, address: addresses.Address, stopped: Callable[[], bool], tell: Callable[..., None]
) -> OpenSource:
    """Opens a source, on a thread so that a signal need not wait for it.

    Args:
        settings: all options.
        address: what to open.
        stopped: asked by a source that waits.
        tell: hears of events, on the source's thread.
    """
    from app.sources.folder import FolderSource
    from app.sources.live import LiveSource
    from app.sources.reader import in_thread
    from app.sources.video import VideoSource

    how = {
        "open_timeout_s": settings.open_timeout,
        "read_timeout_s": settings.read_timeout,
        "max_bad_reads": settings.max_bad_reads,
        "tell": tell,
    }
    if settings.chaos is not None:
        how["meddle"] = chaos(settings, address, tell)
    if address.kind == "pictures":
        return FolderSource(address.paths, name=address.shown)
    if address.kind == "video":
        damage = {"on_corrupt": settings.on_corrupt, "strict": settings.strict}
        return in_thread(partial(VideoSource, address.paths[0], **how, **damage))
    where = address.camera if address.kind == "camera" else address.url
    how |= {"shown": address.shown, "rtsp_transport": settings.rtsp_transport, "stopped": stopped}
    return in_thread(partial(LiveSource, where, reconnect=backoff(settings), **how))


def chaos(settings: Settings, address: addresses.Address, tell: Callable[..., None]) -> Chaos:
    """The faults that were asked for.

    Raises:
        UsageError: if they cannot be read, or cannot be put into such a source.
    """
    from app.sources.chaos import Chaos, parse

    if address.kind == "pictures":
        raise UsageError("--chaos puts faults into videos, cameras and streams; the source is pictures")
    try:
        faults = parse(settings.chaos or "")
    except ValueError as error:
        raise UsageError(f"--chaos: {error}") from None
    return Chaos(faults, settings.read_timeout, live=address.live, seed=settings.seed, tell=tell)


def backoff(settings: Settings) -> Backoff | None:
    """How a live source is opened again, if it is.

    Raises:
        UsageError: if the waits contradict each other.
    """
    from app.sources.backoff import Backoff

    if settings.reconnect is False:
        return None
    try:
        return Backoff(settings.reconnect_attempts, settings.reconnect_delay, settings.reconnect_max_delay)
    except ValueError:
        first, longest = settings.reconnect_delay, settings.reconnect_max_delay
        raise UsageError(f"--reconnect-delay {first:g} is longer than --reconnect-max-delay {longest:g}") from None


def stream(
    settings: Settings,
    address: addresses.Address,
    source: OpenSource,
    backbone: Backbone,
    controls: Controls,
    notices: Notices,
) -> tuple[Iterable[Frame], Callable[[], None]]:
    """The frames as the pipeline gets them, and what lets their source go."""
    from app.sources import labels, stages
    from app.sources.reader import Reader

    def stopped() -> bool:
        return controls.stopped

    label_of = labels.choose(address, settings.label, settings.truth, backbone.labels.index)
    labeled = stages.labeled(label_of) if label_of is not None else iter
    reading: Iterable[Frame] = stages.repeated(lambda: labeled(source), settings.loop, 1 / source.fps)
    if settings.realtime and not address.live:
        reading = stages.at_own_speed(stopped)(reading)
    freshest = settings.mode == "freshest" or (settings.mode == "auto" and address.live)
    watch = getattr(source, "watch", None)  # of live sources

    def idle() -> None:
        notices.deliver()
        if watch is not None:
            watch()

    reader = Reader(reading, keep="freshest" if freshest else "all", stopped=stopped, idle=idle)
    chosen = [stages.fresh(settings.max_staleness)] if freshest else []
    chosen += [stages.between(settings.start, settings.duration)]
    chosen += [stages.every(settings.vid_stride)] if settings.vid_stride > 1 else []
    chosen += [stages.at_rate(settings.max_fps)] if settings.max_fps else []
    chosen += [stages.at_most(settings.max_frames)] if settings.max_frames else []

    def close() -> None:
        reader.close()
        notices.deliver()
        if not reader.alive:
            source.close()

    return stages.chained(reader, *chosen), close


def corrupted(settings: Settings, plan: Plan, known: Iterable[tuple[str, int]], backbone: Backbone) -> Stage:
    """The stage that corrupts frames, or the model's crops of them.

    Args:
        settings: all options.
        plan: a corruption for each frame.
        known: corruptions that are compiled before the first frame, so that none waits for it.
        backbone: whose crops they are.
    """
    from app.corruptions import Corruptor, corrupt_stage
    from app.corruptions.setting import SMALLEST_SIDE

    on_crop = settings.corrupt_on == "crop"
    try:
        corruptor = Corruptor(settings.seed, scale="fidelity" if on_crop else "display", frost_dir=settings.frost_dir)
    except ValueError as error:
        raise UsageError(f"--frost-dir: {error}") from None
    corrupt = corrupt_stage(plan, corruptor)

    def stage(frames: Iterable[Frame]) -> Iterator[Frame]:
        smallest = np.zeros((SMALLEST_SIDE, SMALLEST_SIDE, 3), np.uint8)
        for name, severity in known:
            corruptor.apply(smallest, name, severity, 0)
        crops = (replace(frame, image=backbone.preprocess.crop(frame.image)) for frame in frames)
        try:
            yield from corrupt(crops if on_crop else frames)
        except ValueError as error:  # a picture too small for it
            raise UsageError(f"a frame cannot be corrupted: {error}") from None

    return stage
