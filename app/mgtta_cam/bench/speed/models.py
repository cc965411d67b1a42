"""Time the model: frozen, adapted, the generator's share, and each method against `none`."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress

import torch
from torch import Tensor

from mgtta import METHODS, MetaGradientGenerator, SourceStatistics, norm_parameters
from mgtta.adapter import Adapter
from mgtta.recurrent import RecurrentGenerator
from mgtta.types import Method
from mgtta_cam.bench.speed.timing import Act, Timing, in_turns, timing
from mgtta_models import Backbone, ModelError, graphs, onnx
from mgtta_models.precision import LOW

BATCHES = (1, 8, 64)
OURS = "mgtta"


def built(name: str, backbone: Backbone, x: Tensor) -> Method:
    """A method with a random generator and statistics of `x`: speed does not depend on their values."""
    needs = {"generator": MetaGradientGenerator(1), "lstm": RecurrentGenerator(1)}
    builder = METHODS[name]
    wanted = inspect.signature(builder).parameters
    if "statistics" in wanted:
        needs |= {"statistics": SourceStatistics.measure(backbone, [x.to(backbone.device)])}
    if "fisher" in wanted:
        needs |= {"fisher": {key: torch.ones_like(p) for key, p in norm_parameters(backbone).items()}}
    return builder(backbone, **{key: need for key, need in needs.items() if key in wanted})


def forwards(backbone: Backbone, x: Tensor, precision: str, seconds: float, settle: Act) -> Iterator[Timing]:
    """Time predictions by each runtime and precision, and updates, for all window sizes."""
    plain = backbone.twin()
    plain.engine = graphs.engine(plain, BATCHES[-1])
    predicting = {("torch", precision): plain}
    if precision == "fp32":
        with suppress(ModelError):  # this runtime may not support the device
            session = onnx.Session(plain, torch.get_num_threads())
            predicting["onnx", precision] = plain.twin()
            predicting["onnx", precision].engine = session
        for name in LOW if backbone.device.type == "cuda" else ("bf16",):
            low = copy.deepcopy(plain)
            low.lower(LOW[name])
            low.engine = graphs.engine(low, BATCHES[-1])
            predicting["torch", name] = low
    for batch in BATCHES:
        window = x[:batch]
        acts: dict[tuple[str, str, str], Act] = {}
        for (runtime, kind), model in predicting.items():
            acts["frozen forward", runtime, kind] = _answers(model, window)
            if batch > 1 and runtime == "torch":
                learner = built(OURS, model.twin(), window)
                acts["adapted step", runtime, kind] = lambda learner=learner, window=window: learner.step(window)
        times = in_turns({" ".join(key): act for key, act in acts.items()}, seconds, settle=settle)
        for key in acts:
            yield timing(key[0], times[" ".join(key)], key[1], key[2], batch)


def generator(backbone: Backbone, x: Tensor, precision: str, seconds: float, settle: Act) -> Timing:
    """Time the generator and the parameter update: what an adapted step does in addition to the gradients."""
    method = built(OURS, backbone.twin(), x[:2])
    assert isinstance(method, Adapter)
    learned, update = method.learned, method.transform.update
    gradients = {name: 1e-3 * torch.randn_like(p) for name, p in learned.parameters.items()}
    state = learned.state.optimizer

    @torch.no_grad()
    def step() -> None:
        nonlocal state
        updates, state = update(gradients, state)
        learned.move(updates, method.lr)

    times = in_turns({"generator": step}, seconds, settle=settle)
    return timing("generator and update", times["generator"], "torch", precision, 64)


def methods(backbone: Backbone, x: Tensor, precision: str, seconds: float, settle: Act) -> Iterator[Timing]:
    """Time a window with each method."""
    learners = {name: built(name, backbone.twin(), x) for name in METHODS}
    acts: dict[str, Act] = {name: lambda learner=learner: learner.step(x) for name, learner in learners.items()}
    for name, ms in in_turns(acts, seconds, least=2, settle=settle).items():
        yield timing(f"method {name}", ms, "torch", precision, len(x))


def _answers(backbone: Backbone, x: Tensor) -> Callable[[], Tensor]:
    @torch.no_grad()
    def answer() -> Tensor:
        return backbone(x).logits

    return answer
