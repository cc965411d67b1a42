"""From an opened source to the frames that the pipeline gets: chosen, inspected, corrupted, cropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from mgtta_cam.assembly.pipeline import on_threads
from mgtta_cam.config.settings import Settings
from mgtta_cam.corruptions.names import NAMES
from mgtta_cam.errors import UsageError
from mgtta_cam.stream.corruption_control import CorruptionControl, Plan
from mgtta_cam.stream.prefetch import prefetched
from mgtta_cam.types import Frame

if TYPE_CHECKING:
    from mgtta_cam.assembly.source import Opened
    from mgtta_cam.stream.preprocess import FramePreprocessor
    from mgtta_models import Backbone


def prepared_frames(opened: Opened, backbone: Backbone) -> tuple[Iterable[Frame], Callable[[], None]]:
    """The frames of a run as its pipeline gets them, and what closes their source.

    Raises:
        UsageError: if labels or pictures of frost cannot be read.
    """
    from mgtta_cam.sources.inspection import INTRA, inspected
    from mgtta_cam.sources.stages import announcing

    frames, close = chosen_frames(opened, backbone)
    frames = inspected(intra=opened.source.facts.get("codec") in INTRA)(frames)
    known = {entry.corruption for entry in opened.plan.entries if entry.corruption}
    control = CorruptionControl(opened.plan, NAMES, opened.controls)
    preprocessor = frame_preprocessor(opened.settings, control, known, backbone)
    if freshest(opened):
        frames = preprocessor(frames)
    else:
        frames = prefetched_frames(preprocessor, frames, lambda: control.changed)
    return announcing(opened.queue)(frames), close


def freshest(opened: Opened) -> bool:
    """Whether frames that are not the newest are dropped."""
    mode = opened.settings.mode
    return mode == "freshest" or (mode == "auto" and opened.address.live)


def chosen_frames(opened: Opened, backbone: Backbone) -> tuple[Iterable[Frame], Callable[[], None]]:
    """The frames that the settings choose, with their labels, and what closes their source."""
    from mgtta_cam.sources import labels, stages
    from mgtta_cam.sources.reader import Reader

    settings, address, source, controls = opened.settings, opened.address, opened.source, opened.controls

    def stopped() -> bool:
        return controls.stopped

    label_of = labels.choose(address, settings.label, settings.truth, backbone.labels.index)
    labeled = stages.labeled(label_of) if label_of is not None else iter
    reading: Iterable[Frame] = stages.repeated(lambda: labeled(source), settings.loop, 1 / source.fps)
    if settings.realtime and not address.live:
        reading = stages.at_own_speed(stopped)(reading)
    fresh = freshest(opened)
    watch = getattr(source, "watch", lambda: None)  # of live sources
    reader = Reader(reading, keep="freshest" if fresh else "all", stopped=stopped, idle=watch)
    chosen = [stages.fresh(settings.max_staleness)] if fresh else []
    chosen += [stages.between(settings.start, settings.duration)]
    chosen += [stages.every(settings.vid_stride)] if settings.vid_stride > 1 else []
    chosen += [stages.at_rate(settings.max_fps)] if settings.max_fps else []
    chosen += [stages.at_most(settings.max_frames)] if settings.max_frames else []

    def close() -> None:
        reader.close()
        opened.queue.deliver()
        if not reader.alive:
            source.close()

    return stages.chained(reader, *chosen), close


def frame_preprocessor(
    settings: Settings, plan: Plan, known: Iterable[tuple[str, int]], backbone: Backbone
) -> FramePreprocessor:
    """The stage that corrupts and crops frames.

    Args:
        settings: all options.
        plan: a corruption for each frame.
        known: corruptions to compile before the first frame.
        backbone: the model.

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
    preprocessor: FramePreprocessor, frames: Iterable[Frame], changed: Callable[[], bool]
) -> Iterator[Frame]:
    """Frames preprocessed on a thread, each while the frame before it is answered.

    It would make frames of live sources older, so it is not for them.

    Args:
        preprocessor: what becomes of each.
        frames: from their source.
        changed: whether the plan has changed since the latest frame was preprocessed.
    """

    def revised(frame: Frame) -> Frame:
        return preprocessor.again(frame) if changed() else frame

    return prefetched(on_threads(1, preprocessor)(frames), "frames", revised)
