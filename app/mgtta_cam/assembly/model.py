"""The model, where and how it computes, and the loop around it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from mgtta_cam.adaptation import allocator
from mgtta_cam.adaptation.methods import guarded, methods
from mgtta_cam.config.settings import Settings
from mgtta_cam.errors import UsageError
from mgtta_cam.stream.controls import Controls
from mgtta_cam.types import FrameResult

if TYPE_CHECKING:
    from torch import Tensor

    from mgtta_cam.adaptation.learner import Learner
    from mgtta_cam.replay.loop import Again
    from mgtta_cam.replay.tape import Beat, Tape
    from mgtta_cam.stream.pipeline import Pipeline
    from mgtta_cam.stream.predictor import Input
    from mgtta_models import Backbone
    from mgtta_models.backbone import Engine
    from mgtta_models.onnx import Session

T = TypeVar("T")
U = TypeVar("U")


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

    from mgtta_models import load_backbone

    if settings.threads:
        torch.set_num_threads(settings.threads)
        cv2.setNumThreads(settings.threads)
    torch.manual_seed(settings.seed)
    deterministic(settings.deterministic)  # a run before this one may have left it otherwise
    where = device(settings.device)
    names = ("crop_pct", "interpolation", "mean", "std")
    preprocess = {"size": settings.img_size, **{name: getattr(settings, name) for name in names}}
    backbone = load_backbone(settings.model, settings.weights, where, settings.precision, settings.labels, preprocess)
    if backbone.device.type == "cpu" and sum(p.numel() for p in backbone.parameters()) >= allocator.LARGE:
        allocator.keep_memory()
    return backbone


def deterministic(sure: bool) -> None:
    """Only kernels that give the same bits every time, or again any."""
    import torch

    if sure:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS may pick another order of sums
    torch.use_deterministic_algorithms(sure)
    torch.backends.cuda.enable_flash_sdp(not sure)
    torch.backends.cuda.enable_mem_efficient_sdp(not sure)
    torch.backends.cuda.enable_cudnn_sdp(not sure)


def accelerate(settings: Settings, backbone: Backbone, tell: Callable[..., None], *, together: bool = False) -> None:
    """Answers by ONNX Runtime, where --runtime says so or where it is known to be faster; else, on CUDA, as graphs.

    Args:
        settings: all options.
        backbone: gets the engine.
        tell: hears of an export, and why torch answers.
        together: twins of the model answer several streams, at once where they ask at once.

    Raises:
        ModelError, UsageError: if it was asked for and cannot.
    """
    from mgtta_models import graphs
    from mgtta_models import together as many

    engine: Engine | None = _onnx(settings, backbone, tell, apart=together)
    if together:
        engine = many.Together(engine or graphs.Graphed(many.by_torch(backbone)))
    backbone.engine = engine or graphs.engine(backbone)


def _onnx(settings: Settings, backbone: Backbone, tell: Callable[..., None], *, apart: bool) -> Session | None:
    import torch

    from mgtta_models import ModelError, onnx

    best = backbone.device.type == "cpu" and backbone.dtype == torch.float32
    if settings.runtime == "torch" or (settings.runtime == "auto" and not best):
        return None
    if backbone.dtype != torch.float32:
        raise UsageError("--runtime onnx computes in float32: leave --precision to fp32, or --runtime to torch")
    if not os.path.exists(onnx.path_of(backbone, apart=apart)):
        tell("export", model=backbone.name)
    try:
        return onnx.Session(backbone, torch.get_num_threads(), apart=apart)
    except ModelError as error:
        if settings.runtime == "onnx":
            raise
        tell("runtime", why=str(error))
    return None


def pipeline(settings: Settings, backbone: Backbone, controls: Controls, tell: Callable[..., None]) -> Pipeline:
    """The loop around the model."""
    from mgtta.plugins import MEMORIES
    from mgtta_cam.adaptation.schedule import Window
    from mgtta_cam.stream.pipeline import Pipeline

    window = Window(
        settings.adapt_batch,
        settings.adapt_stride,
        settings.adapt_every,
        settings.max_updates,
        None if settings.updates_per_window == "auto" else settings.updates_per_window,
        settings.budget_ms,
    )
    return Pipeline(
        learners(settings, backbone),
        settings.method,
        prepare(backbone),
        window,
        MEMORIES[settings.memory](settings.adapt_batch, settings.seed),
        source_model(backbone),
        controls,
        settings.warmup,
        tell,
        settings.reset_on,
        settings.teacher is not False,
    )


def again(
    tape: Tape,
    settings: Settings,
    backbone: Backbone,
    check: Callable[[Beat, FrameResult], None],
    tell: Callable[..., None],
) -> Again:
    """The loop around the model, as a log has it."""
    from mgtta_cam.replay.loop import Again

    methods = learners(settings, backbone)
    return Again(tape, methods, settings.method, prepare(backbone), source_model(backbone), check, tell)


def on_threads(count: int, stage: Callable[[Iterable[T]], Iterator[U]]) -> Callable[[Iterable[T]], Iterator[U]]:
    """A stage that computes with so many threads of torch on whichever thread iterates it: each has its own number."""
    import torch

    def staged(items: Iterable[T]) -> Iterator[U]:
        torch.set_num_threads(count)
        yield from stage(items)

    return staged


def elsewhere(loop: Callable[[Iterable[T]], Iterator[U]]) -> Callable[[Iterable[T]], Iterator[U]]:
    """The loop, with as many threads of torch on another thread as there are on this one."""
    import torch

    return on_threads(torch.get_num_threads(), loop)


def prepare(backbone: Backbone) -> Input:
    """From pixels to the model's input, where the model is."""
    from mgtta_cam.stream.predictor import Input

    return Input(backbone.preprocess.crop, lambda crop: backbone.preprocess.tensor(crop).to(backbone.device))


def source_model(backbone: Backbone) -> Callable[[Tensor], Tensor]:
    """The model as it was before it learned: [b, 3, s, s] -> logits [b, c]."""
    import torch

    twin = backbone.twin()

    @torch.no_grad()
    def frozen(x: Tensor) -> Tensor:
        return twin(x).logits

    return frozen


def learners(settings: Settings, backbone: Backbone) -> Mapping[str, Callable[[], Learner]]:
    """Builders of all methods, watched, with lessons where --adapt wants them."""
    from mgtta_cam.adaptation.background import Background
    from mgtta_cam.adaptation.learner import Inline

    answering = methods(settings, backbone)
    if settings.adapt == "inline":
        watched = guarded(settings, backbone)
        return {name: lambda name=name: Inline(watched(answering[name]())) for name in answering}
    import torch

    from mgtta_models import graphs

    learning, threads = backbone.twin(), max(1, torch.get_num_threads() // 2)
    # not the loop's, which takes all threads, and one call at a time
    learning.engine = graphs.engine(learning, settings.adapt_batch, first=False)
    own, watched = methods(settings, learning), guarded(settings, learning)
    return {name: lambda name=name: Background(answering[name](), watched(own[name]()), threads) for name in own}
