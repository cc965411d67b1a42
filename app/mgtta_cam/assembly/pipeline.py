"""The loop around a model: its learners, its inputs, and the threads that it computes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from mgtta_cam.adaptation.methods import guarded, methods
from mgtta_cam.config.settings import Settings
from mgtta_cam.events import EventHandler
from mgtta_cam.stream.controls import Controls
from mgtta_cam.types import FrameResult

if TYPE_CHECKING:
    from torch import Tensor

    from mgtta_cam.adaptation.learner import Learner
    from mgtta_cam.replay.pipeline import ReplayPipeline
    from mgtta_cam.replay.tape import LoggedFrame, Tape
    from mgtta_cam.stream.pipeline import Pipeline
    from mgtta_cam.stream.predictor import Predictor
    from mgtta_models import Backbone

T = TypeVar("T")
U = TypeVar("U")


def build_pipeline(settings: Settings, backbone: Backbone, controls: Controls, emit: EventHandler) -> Pipeline:
    """The loop around a model.

    Raises:
        ModelError, UsageError: if the method cannot be built.
    """
    from mgtta.plugins import MEMORIES
    from mgtta_cam.adaptation.loop import AdaptationLoop
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
    memory = MEMORIES[settings.memory](settings.adapt_batch, settings.seed)
    adaptation = AdaptationLoop(learners(settings, backbone), settings.method, window, memory, emit)
    return Pipeline(
        adaptation,
        predictor(backbone),
        controls,
        emit=emit,
        warmup=settings.warmup,
        reset_on=settings.reset_on,
        teacher=settings.teacher is not False,
    )


def build_replay_pipeline(
    tape: Tape,
    settings: Settings,
    backbone: Backbone,
    check: Callable[[LoggedFrame, FrameResult], None],
    emit: EventHandler,
) -> ReplayPipeline:
    """The loop around a model, as a log has it."""
    from mgtta_cam.replay.pipeline import ReplayPipeline

    own = learners(settings, backbone)
    return ReplayPipeline(tape, own, settings.method, predictor(backbone), check=check, emit=emit)


def on_threads(count: int, stage: Callable[[Iterable[T]], Iterator[U]]) -> Callable[[Iterable[T]], Iterator[U]]:
    """A stage that computes with `count` threads of torch on whichever thread iterates it: each has its own number."""
    import torch

    def staged(items: Iterable[T]) -> Iterator[U]:
        torch.set_num_threads(count)
        yield from stage(items)

    return staged


def elsewhere(loop: Callable[[Iterable[T]], Iterator[U]]) -> Callable[[Iterable[T]], Iterator[U]]:
    """The loop on another thread, with as many threads of torch as this one has."""
    import torch

    return on_threads(torch.get_num_threads(), loop)


def predictor(backbone: Backbone) -> Predictor:
    """What answers frames: the learner's model, and the source model next to it."""
    from mgtta_cam.stream.predictor import Input, Predictor

    own = backbone.preprocess
    return Predictor(Input(own.crop, lambda crop: own.tensor(crop).to(backbone.device)), source_model(backbone))


def source_model(backbone: Backbone) -> Callable[[Tensor], Tensor]:
    """The model before it adapts: [b, 3, s, s] -> logits [b, c]."""
    import torch

    twin = backbone.twin()

    @torch.no_grad()
    def frozen(x: Tensor) -> Tensor:
        return twin(x).logits

    return frozen


def learners(settings: Settings, backbone: Backbone) -> Mapping[str, Callable[[], Learner]]:
    """Builders of learners for all methods, guarded, inline or in the background as `--adapt` says."""
    from mgtta_cam.adaptation.background import Background
    from mgtta_cam.adaptation.learner import Inline

    predicting = methods(settings, backbone)
    if settings.adapt == "inline":
        watched = guarded(settings, backbone)
        return {name: lambda name=name: Inline(watched(predicting[name]())) for name in predicting}
    import torch

    from mgtta_models import graphs

    learning, threads = backbone.twin(), max(1, torch.get_num_threads() // 2)
    # not the loop's, which takes all threads, and one call at a time
    learning.engine = graphs.engine(learning, settings.adapt_batch, first=False)
    own, watched = methods(settings, learning), guarded(settings, learning)
    return {name: lambda name=name: Background(predicting[name](), watched(own[name]()), threads) for name in own}
