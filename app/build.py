"""The only file that puts concrete classes together, and the only one that names a device."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.config import Settings, to_dict
from app.controls import Controls
from app.errors import UsageError
from app.learning import asked, check_method, deployed, methods, provenance, statistics
from app.provenance import compute, describe, header
from app.redaction import fill
from app.session import Session
from app.sources import address as addresses
from app.steering import Steering, planned
from app.types import Frame, FrameResult, Image, Sink, Stage

if TYPE_CHECKING:
    from app.corruptions import Schedule
    from app.pipeline import Pipeline
    from app.sources.folder import FolderSource
    from app.sources.live import LiveSource
    from app.sources.video import VideoSource
    from models import Backbone

    OpenSource = VideoSource | FolderSource | LiveSource

__all__ = ["check_method", "describe", "methods", "model", "session", "statistics"]

TITLE = "mgtta-cam"
Tell = Callable[..., None]


def session(
    settings: Settings,
    argv: Sequence[str],
    controls: Controls,
    tell: Tell,
    extra: Sequence[Sink] = (),
    picture: Path | None = None,
) -> Session:
    """A run as it was asked for: what is cheap to check first, the model last.

    Args:
        settings: all options.
        argv: the command line, for the log.
        controls: where keys and signals go.
        tell: hears of events; the log hears of them too.
        extra: further sinks.
        picture: where the last result goes as a picture, if anywhere.

    Raises:
        UsageError, SourceError, OutputError, ModelError: with one line each.
    """
    if settings.source is None:
        raise UsageError("no source: give --source a camera number, a video, a folder or an address; or try `demo`")
    address = addresses.parse(fill(settings.source, os.environ), shown=settings.source)
    if address.live and settings.loop != 1:
        raise UsageError("--loop plays files again; a live source plays once")
    check_outputs(settings)
    plan = planned(settings.corrupt, settings.corrupt_schedule)
    check_method(settings)
    controls.compare = settings.compare == "split"
    from app.rendering import renderer
    from app.sources.stages import announcing

    hears = [tell]

    def everyone(kind: str, **facts: Any) -> None:
        for listener in hears:
            listener(kind, **facts)

    source = open_source(settings, address)
    backbone = model(settings)
    loop = pipeline(settings, backbone, controls, everyone)
    frames, close = stream(settings, address, source, backbone, controls)
    frames = announcing(everyone)(corrupted(settings, plan, backbone, controls)(frames))
    render = renderer(controls, backbone.classes, settings.topk, corrupting=bool(plan.entries))
    facts = {"source": source.facts, "model": describe(backbone), "method": settings.method}
    facts["spec"] = str(deployed(settings, backbone, asked(settings)))
    journal = None
    if settings.log is not None:
        from app.log import LogSink

        facts_of_run = {"configuration": to_dict(settings), "seed": settings.seed, **compute(backbone), **facts}
        top = header(argv, **facts_of_run, learned_before=provenance(settings, backbone))
        journal = LogSink(settings.log, top, backbone.classes, settings.topk)
        hears.append(journal.event)
    everyone("open", source=dict(source.facts))
    from app.sinks.picture import Snapshots

    return Session(
        frames=frames,
        pipeline=loop,
        controls=controls,
        sinks=[*recorders(settings, source.fps, render, picture), *extra],
        window=window(settings, render, everyone),
        journal=journal,
        snapshot=Snapshots(Path(), render).save,
        tell=everyone,
        facts=lambda: facts,
        close=close,
    )


def check_outputs(settings: Settings) -> None:
    """Sees that all output files can be written, before anything slow begins.

    Raises:
        OutputError, UsageError: if one cannot, or two are the same.
    """
    from app.sinks.paths import writable

    wanted = [path for path in (settings.save, settings.log) if path is not None]
    if len({path.resolve() for path in wanted}) < len(wanted):
        raise UsageError(f"--save and --log name the same file: {settings.save}")
    for path in wanted:
        writable(path, overwrite=settings.overwrite)


def open_source(settings: Settings, address: addresses.Address) -> OpenSource:
    """Opens a source, on a thread so that a signal need not wait for it."""
    from app.sources.folder import FolderSource
    from app.sources.live import LiveSource
    from app.sources.reader import in_thread
    from app.sources.video import VideoSource

    timeouts = {"open_timeout_s": settings.open_timeout, "read_timeout_s": settings.read_timeout}
    if address.kind == "pictures":
        return FolderSource(address.paths, name=address.shown)
    if address.kind == "video":
        return in_thread(partial(VideoSource, address.paths[0], **timeouts))
    where = address.camera if address.kind == "camera" else address.url
    how = settings.rtsp_transport
    return in_thread(partial(LiveSource, where, shown=address.shown, rtsp_transport=how, **timeouts))


def stream(
    settings: Settings,
    address: addresses.Address,
    source: OpenSource,
    backbone: Backbone,
    controls: Controls,
) -> tuple[Iterable[Frame], Callable[[], None]]:
    """The frames as the pipeline gets them, and what lets their source go."""
    from app.sources import labels, stages
    from app.sources.reader import Reader

    def stopped() -> bool:
        return controls.stopped

    reading: Iterable[Frame] = source
    label_of = labels.choose(address, settings.label, settings.truth, backbone.labels.index)
    if label_of is not None:
        reading = stages.labeled(label_of)(reading)
    reading = stages.repeated(reading, settings.loop, 1 / source.fps)
    if settings.realtime and not address.live:
        reading = stages.at_own_speed(stopped)(reading)
    freshest = settings.mode == "freshest" or (settings.mode == "auto" and address.live)
    reader = Reader(reading, keep="freshest" if freshest else "all", stopped=stopped)
    chosen = [stages.between(settings.start, settings.duration)]
    chosen += [stages.every(settings.vid_stride)] if settings.vid_stride > 1 else []
    chosen += [stages.at_rate(settings.max_fps)] if settings.max_fps else []
    chosen += [stages.at_most(settings.max_frames)] if settings.max_frames else []

    def close() -> None:
        reader.close()
        if not reader.alive:
            source.close()

    return stages.chained(reader, *chosen), close


def corrupted(settings: Settings, plan: Schedule, backbone: Backbone, controls: Controls) -> Stage:
    """The stage that corrupts frames, or the model's crops of them, as planned and as keys say."""
    from app.corruptions import CORRUPTIONS, Corruptor, corrupt_stage

    on_crop = settings.corrupt_on == "crop"
    try:
        corruptor = Corruptor(settings.seed, scale="fidelity" if on_crop else "display", frost_dir=settings.frost_dir)
    except ValueError as error:
        raise UsageError(f"--frost-dir: {error}") from None
    corrupt = corrupt_stage(Steering(plan, tuple(CORRUPTIONS), controls), corruptor)

    def stage(frames: Iterable[Frame]) -> Iterator[Frame]:
        crops = (replace(frame, image=backbone.preprocess.crop(frame.image)) for frame in frames)
        try:
            yield from corrupt(crops if on_crop else frames)
        except ValueError as error:  # a picture too small for it
            raise UsageError(f"a frame cannot be corrupted: {error}") from None

    return stage


def device(name: str) -> str:
    """`auto` is CUDA where there is a GPU, and the CPU elsewhere."""
    import torch

    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


def model(settings: Settings) -> Backbone:
    """Loads the model, and settles how it computes.

    Raises:
        ModelError: if it cannot be loaded.
    """
    import cv2
    import torch

    from models import load_backbone

    if settings.threads:
        torch.set_num_threads(settings.threads)
        cv2.setNumThreads(settings.threads)
    torch.manual_seed(settings.seed)
    if settings.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS may pick another order of sums
    torch.use_deterministic_algorithms(settings.deterministic)  # a run before this one may have left it otherwise
    torch.backends.cuda.enable_flash_sdp(not settings.deterministic)
    torch.backends.cuda.enable_mem_efficient_sdp(not settings.deterministic)
    where = device(settings.device)
    names = ("crop_pct", "interpolation", "mean", "std")
    preprocess = {"size": settings.img_size, **{name: getattr(settings, name) for name in names}}
    return load_backbone(settings.model, settings.weights, where, settings.precision, settings.labels, preprocess)


def pipeline(settings: Settings, backbone: Backbone, controls: Controls, tell: Tell) -> Pipeline:
    """The loop around the model."""
    import torch

    from app.pipeline import Input, Pipeline, Window

    twin = backbone.twin()

    @torch.no_grad()
    def frozen(x: torch.Tensor) -> torch.Tensor:
        return twin(x).logits

    def tensor(crop: Image) -> torch.Tensor:
        return backbone.preprocess.tensor(crop).to(backbone.device)

    return Pipeline(
        methods(settings, backbone),
        settings.method,
        Input(backbone.preprocess.crop, tensor),
        Window(settings.adapt_batch, settings.adapt_stride, settings.adapt_every, settings.max_updates),
        frozen,
        controls,
        settings.warmup,
        tell,
    )


def recorders(
    settings: Settings, fps: float, render: Callable[[FrameResult], Image], picture: Path | None
) -> list[Sink]:
    """The video and the picture that were asked for."""
    from app.sinks.keepsake import Keepsake
    from app.sinks.video import VideoSink

    sinks: list[Sink] = []
    if settings.save is not None:
        rate = fps / settings.vid_stride
        rate = min(rate, settings.max_fps or rate)
        sinks.append(VideoSink(settings.save, rate, render, overwrite=settings.overwrite))
    if picture is not None:
        sinks.append(Keepsake(picture, render, overwrite=settings.overwrite))
    return sinks


def window(settings: Settings, render: Callable[[FrameResult], Image], tell: Tell) -> Any:
    """A window if it is wanted and a display answers; otherwise None, and one line that says why."""
    if settings.show is False:
        return None
    from app.sinks.display import display_problem
    from app.sinks.window import WindowSink

    if problem := display_problem():
        if settings.show:
            from app.errors import OutputError

            raise OutputError(f"--show: {problem}")
        tell("headless", why=problem)
        return None
    return WindowSink(TITLE, render)
