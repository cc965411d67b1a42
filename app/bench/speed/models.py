"""The model's part: frozen, adapted, the generator's share, and each method beside `none`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from app.bench.speed.timing import Act, Timing, in_turns, timing
from mgtta import METHODS, MetaGradientGenerator, SourceStatistics, norm_parameters
from mgtta.adapter import Adapter
from mgtta.recurrent import RecurrentGenerator
from mgtta.types import Method
from models import Backbone, ModelError, onnx

BATCHES = (1, 8, 64)
NOT_ADAPTING, OURS = "none", "mgtta"


def built(name: str, backbone: Backbone, x: Tensor) -> Method:
    """A method with a random generator and statistics of these pictures: speed does not depend on their values."""
    needs = {"generator": MetaGradientGenerator(1), "lstm": RecurrentGenerator(1)}
    builder = METHODS[name]
    wanted = inspect.signature(builder).parameters
    if "statistics" in wanted:
        needs |= {"statistics": SourceStatistics.measure(backbone, [x.to(backbone.device)])}
    if "fisher" in wanted:
        needs |= {"fisher": {key: torch.ones_like(p) for key, p in norm_parameters(backbone).items()}}
    return builder(backbone, **{key: need for key, need in needs.items() if key in wanted})


def forwards(backbone: Backbone, x: Tensor, precision: str, seconds: float, settle: Act) -> Iterator[Timing]:
    """Answers by each runtime, and lessons, for windows of all sizes."""
    plain = backbone.twin()
    plain.engine = None
    session = None
    if precision == "fp32":
        try:
            session = onnx.Session(plain, torch.get_num_threads())
        except ModelError:  # this runtime has no way to the device: there is nothing to compare
            session = None
    for batch in BATCHES:
        window = x[:batch]
        acts: dict[tuple[str, str], Act] = {("frozen forward", "torch"): _answers(plain, window)}
        if session is not None:
            fast = plain.twin()
            fast.engine = session
            acts |= {("frozen forward", "onnx"): _answers(fast, window)}
        if batch > 1:
            learner = built(OURS, plain.twin(), x[: max(2, batch)])
            acts |= {("adapted step", "torch"): lambda learner=learner, window=window: learner.step(window)}
        times = in_turns({" ".join(key): act for key, act in acts.items()}, seconds, settle=settle)
        for what, runtime in acts:
            yield timing(what, times[f"{what} {runtime}"], runtime, precision, batch)


def generator(backbone: Backbone, x: Tensor, precision: str, seconds: float, settle: Act) -> Timing:
    """The generator and the update of the parameters: what an adapted step has beside the gradients."""
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
    """A window by each method."""
    learners = {name: built(name, backbone.twin(), x) for name in METHODS}
    acts: dict[str, Act] = {name: lambda learner=learner: learner.step(x) for name, learner in learners.items()}
    for name, ms in in_turns(acts, seconds, least=2, settle=settle).items():
        yield timing(f"method {name}", ms, "torch", precision, len(x))


def _answers(backbone: Backbone, x: Tensor) -> Callable[[], Tensor]:
    @torch.no_grad()
    def answer() -> Tensor:
        return backbone(x).logits

    return answer
