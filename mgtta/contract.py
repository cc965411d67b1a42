"""What every method promises, as checks on a tiny model: ours run in the tests, yours by `mgtta-cam check-method`.

Each check takes a `Trial` and raises a `ContractError`, whose sentence says what was expected and what came.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mgtta.trial import WINDOWS, Trial, learned, pictures, same
from mgtta_models.tiny import tiny_backbone

ANSWER_ERROR = 1e-5  # logits of order 1 to 10 by two passes that may sum in another order


class ContractError(AssertionError):
    """A promise that a method does not keep."""


class Finding(NamedTuple):
    """What became of a check."""

    check: str
    about: str  # what it checks, in a sentence
    error: str | None  # what is wrong; None if the promise is kept


def predict_changes_nothing(trial: Trial) -> None:
    """`predict` gives the same answer twice and changes no state."""
    method, x = trial.build(), pictures(0)
    before = method.state_dict()
    expect(torch.equal(method.predict(x), method.predict(x)), "two calls of predict gave different answers")
    expect(same(before, method.state_dict()), "predict changed the state")


def step_answers_as_predict(trial: Trial) -> None:
    """`step` gives the answers from before its update, detached, of the shape [b, c]."""
    method = trial.build()
    for seed in range(3):
        x = pictures(seed)
        expected, logits = method.predict(x), method.step(x).logits
        expect(logits.shape == (16, 10), f"answers of shape [16, 10] are expected; got {list(logits.shape)}")
        expect(not logits.requires_grad, "the answers carry a graph: detach them")
        error = float((logits - expected).abs().max())
        expect(error <= ANSWER_ERROR, f"step answered otherwise than predict did just before, by {error:.2g}")


def learns_and_resets(trial: Trial) -> None:
    """Steps change the state; `reset` restores it to the bit, and the next run repeats the first."""
    method = trial.build()
    source, start = learned(method), method.state_dict()
    first = trial.run(method)
    expect(not start or not same(start, method.state_dict()), f"{WINDOWS} steps changed nothing in state_dict()")
    method.reset()
    expect(torch.equal(learned(method), source), "reset did not restore the parameters to the bit")
    expect(same(start, method.state_dict()), "reset did not restore the state to the bit")
    again = trial.run(method)
    expect(all(map(torch.equal, first, again)), "after reset, the same windows gave other answers")


def saves_and_loads(trial: Trial) -> None:
    """A second method continues from `state_dict` to the bit, and a state with a hole is a ValueError."""
    method, other = trial.build(), trial.build()
    trial.run(method)
    saved = method.state_dict()
    other.load_state_dict(saved)
    ours, theirs = trial.run(method, WINDOWS), trial.run(other, WINDOWS)
    expect(all(map(torch.equal, ours, theirs)), "after load_state_dict, the next answers differ")
    expect(same(method.state_dict(), other.state_dict()), "after load_state_dict, the next states differ")
    if saved:
        try:
            other.load_state_dict(dict(list(saved.items())[1:]))
        except ValueError:
            return
        raise ContractError(f"load_state_dict took a state without {next(iter(saved))}: a ValueError is expected")


def window_of_one(trial: Trial) -> None:
    """One picture is answered, and no parameter becomes NaN; a skipped one changes nothing."""
    method = trial.build()
    source, step = learned(method), method.step(pictures(0, count=1))
    expect(step.logits.shape == (1, 10), f"answers of shape [1, 10] are expected; got {list(step.logits.shape)}")
    expect(bool(learned(method).isfinite().all()), "parameters are not finite after a window of one picture")
    expect(not step.skipped or torch.equal(learned(method), source), f"skipped ({step.skipped}), but it learned")


def poison_is_rejected(trial: Trial) -> None:
    """A window with NaN or infinity is skipped with a reason, and changes nothing."""
    method = trial.build()
    method.step(pictures(0))
    before = method.state_dict()
    for value in (float("nan"), float("inf")):
        x = pictures(1)
        x[0, 0, 0, 0] = value
        step = method.step(x)
        expect(not before or step.skipped is not None, f"a window with {value} was not skipped")
        expect(same(before, method.state_dict()), f"a window with {value} changed the state")


def unreliable_windows_are_harmless(trial: Trial) -> None:
    """A window in which every answer is unsure leaves finite parameters; if it is skipped, it changes nothing."""
    method = trial.build(tiny_backbone(sharpness=1e-3))
    before, step = method.state_dict(), method.step(pictures(0))
    expect(bool(learned(method).isfinite().all()), "parameters are not finite after a window of unsure answers")
    expect(not step.skipped or same(before, method.state_dict()), f"skipped ({step.skipped}), but the state changed")


def identical_pictures(trial: Trial) -> None:
    """A window without any spread leaves finite parameters."""
    method = trial.build()
    method.step(pictures(0, count=1).expand(8, -1, -1, -1))
    expect(bool(learned(method).isfinite().all()), "parameters are not finite after a window of identical pictures")


def the_rest_is_untouched(trial: Trial) -> None:
    """The input stays as it is, and every parameter of the model that is not among `parameters()`."""
    model, x = tiny_backbone(), pictures(0)
    method = trial.build(model)
    adapted = {id(p) for p in method.parameters().values()}
    frozen = {name: p.detach().clone() for name, p in model.weights().items() if id(p) not in adapted}
    method.step(x)
    expect(torch.equal(x, pictures(0)), "step changed its input in place")
    changed = [name for name, p in model.weights().items() if name in frozen and not torch.equal(p, frozen[name])]
    expect(not changed, f"step changed {', '.join(changed[:3])}, which parameters() does not list")


def works_under_inference_mode(trial: Trial) -> None:
    """Under a caller's `torch.inference_mode` the same is learned, in ordinary tensors."""
    method, free = trial.build(), trial.build()
    with torch.inference_mode():
        for seed in range(2):
            method.step(pictures(seed) * 1)
    for seed in range(2):
        free.step(pictures(seed))
    expect(same(method.state_dict(), free.state_dict()), "under inference_mode something else was learned")
    inside = [name for name, tensor in method.state_dict().items() if tensor.is_inference()]
    expect(not inside, f"the state holds inference tensors: {', '.join(inside[:3])}")


def scale_scales_the_step(trial: Trial) -> None:
    """`step(x, scale=...)` is accepted; a method with a rate `lr` moves less with a smaller scale."""
    moved = []
    for scale in (1.0, 0.25):
        method = trial.build()
        source = learned(method)
        method.step(pictures(0), scale=scale)
        moved.append(float((learned(method) - source).norm()))
    rated = hasattr(method, "lr") and moved[0] > 0
    expect(not rated or moved[1] < moved[0], "a step of scale 0.25 moved the parameters as far as one of scale 1")


def every_option_has_an_effect(trial: Trial) -> None:
    """Another value of each option gives other answers or another state within a few steps."""

    def outcome(**options: Any) -> dict[str, Tensor]:
        method = trial.build(**options)
        answers = trial.run(method)
        return {str(i): logits for i, logits in enumerate(answers)} | method.state_dict()

    for name, parameter in list(inspect.signature(trial.builder).parameters.items())[1:]:
        values = [trial.others[name]] if name in trial.others else _others(parameter.default)
        beside = trial.beside.get(name, {})
        outcomes = []
        for value in values:
            try:
                outcomes.append(outcome(**{**beside, name: value}))
            except ValueError:  # outside its range
                if name in trial.others:
                    raise
        known = outcome(**beside)
        useless = outcomes and all(same(other, known) for other in outcomes)
        tried = " and ".join(map(repr, values))
        expect(not useless, f"the option {name} has no effect: {tried} do what the default does")


CHECKS: dict[str, Callable[[Trial], None]] = {
    check.__name__.replace("_", "-"): check
    for check in (
        predict_changes_nothing,
        step_answers_as_predict,
        learns_and_resets,
        saves_and_loads,
        window_of_one,
        poison_is_rejected,
        unreliable_windows_are_harmless,
        identical_pictures,
        the_rest_is_untouched,
        works_under_inference_mode,
        scale_scales_the_step,
        every_option_has_an_effect,
    )
}


def findings(trial: Trial) -> Iterator[Finding]:
    """Runs all checks, each from the same random state; whatever one raises is its finding."""
    for name, check in CHECKS.items():
        about = (check.__doc__ or "").splitlines()[0].rstrip(".")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            try:
                check(trial)
            except ContractError as error:
                yield Finding(name, about, str(error))
            except Exception as error:  # a user's method may raise anything
                yield Finding(name, about, f"{type(error).__name__}: {error}")
            else:
                yield Finding(name, about, None)


def expect(condition: bool, otherwise: str) -> None:
    """Raises a ContractError that says `otherwise` unless the condition holds."""
    if not condition:
        raise ContractError(otherwise)


def _others(default: Any) -> list[Any]:
    """Values other than a default; none for what cannot be guessed."""
    if isinstance(default, bool):
        return [not default]
    if isinstance(default, int):
        return [default + 1, max(1, default // 2)] if default != 1 else [2]
    if isinstance(default, float):
        return [value for value in (default / 4, default * 4, default + 1) if value != default]
    return []
