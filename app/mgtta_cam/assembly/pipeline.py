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
    from mgtta_cam.stream.predictor import Input
    from mgtta_models import Backbone

T = TypeVar("T")


U = TypeVar("U")


def build_pipeline(settings: Settings, backbone: Backbone, controls: Controls, emit: EventHandler) -> Pipeline:
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
        emit,
        settings.reset_on,
        settings.teacher is not False,
    )


def build_replay_pipeline(
    tape: Tape,
    settings: Settings,
    backbone: Backbone,
    check: Callable[[LoggedFrame, FrameResult], None],
    emit: EventHandler,
) -> ReplayPipeline:
    """The loop around the model, as a log has it."""
    from mgtta_cam.replay.pipeline import ReplayPipeline

    methods = learners(settings, backbone)
    return ReplayPipeline(tape, methods, settings.method, prepare(backbone), source_model(backbone), check, emit)


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
    """Builders of all methods, watched, with updates where --adapt wants them."""
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
