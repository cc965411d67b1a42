"""`mgtta.adapt`: a model that adapts to what it is given, as an nn.Module."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor, nn

from mgtta.guard import Mode
from mgtta.live import live
from mgtta.logits import as_logits
from mgtta.methods import METHODS
from mgtta.plugins import MEMORIES
from mgtta.pretrained import GENERATORS, chosen_boost, load_generator, needs_of, shipped_statistics
from mgtta.statistics import SourceStatistics
from mgtta.types import Method, Step
from mgtta_models import Backbone, Classifier, ModelError, shipped

GUARDS = get_args(Mode)


class Adapted(nn.Module):
    """A classifier that adapts: `logits = adapted(images)` answers a window and learns from it. Made by `adapt`.

    `state_dict` holds all that was learned, and nothing else; `load_state_dict` restores it. The model's parameters are
    not registered here, as no optimizer but the method's own may change them.

    Attributes:
        method: what learns, with its guard and its memory: a `mgtta.types.Method`.
        last: the latest step: its stats, why it was skipped, the guard's alarms; None before the first.
    """

    def __init__(self, backbone: Classifier, method: Method) -> None:
        super().__init__()
        self._backbone = (backbone,)  # in a tuple, or it would be a submodule: see above
        self.method = method
        self.last: Step | None = None

    @property
    def backbone(self) -> Classifier:
        """The model that adapts."""
        return self._backbone[0]

    def forward(self, images: Tensor) -> Tensor:
        """Answers a window, then learns from it: [b, 3, h, w] normalized pixels -> logits [b, c].

        The answers are those from before the update, as the papers' protocol has it. One forward pass where the method
        and the arguments of `adapt` allow it. Gradients and inference mode of the caller do not matter.
        """
        return self._logits(self.update(images).logits)

    def predict(self, images: Tensor) -> Tensor:
        """Answers without learning: [b, 3, h, w] -> logits [b, c]."""
        with torch.inference_mode(False), torch.no_grad():
            return self._logits(self.method.predict(self._checked(images)))

    def update(self, images: Tensor) -> Step:
        """Learns from a window as a call does; returns the step, which says what was learned, or why nothing was."""
        with torch.inference_mode(False), torch.no_grad():
            self.last = self.method.step(self._checked(images))
        return self.last

    def reset(self) -> None:
        """Returns to the source model, to the bit; the sample memory is emptied."""
        self.method.reset()
        self.last = None

    def _logits(self, answers: Tensor) -> Tensor:
        return as_logits(answers, self.method.probabilities)

    def _checked(self, images: Tensor) -> Tensor:
        if images.ndim != 4 or images.shape[1] != 3 or not len(images) or not images.is_floating_point():
            raise ValueError(
                "images are expected as normalized floats [b, 3, h, w] with b of 1 or more; "
                f"got {images.dtype} {list(images.shape)}"
            )
        images = images.detach().to(self.backbone.device)
        return images.clone() if images.is_inference() else images

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Adapted:  # noqa: ARG002
        """Refuses to move: statistics, optimizer and snapshots would stay behind."""
        here = torch.empty(0, device=self.backbone.device)
        there = fn(here)
        if (there.device, there.dtype) != (here.device, here.dtype):
            raise ValueError(
                f"this model adapts on {here.device} in float32 and cannot be moved to {there.device} in "
                f"{there.dtype}: move the model first, as in mgtta.adapt(model.to(device))"
            )
        return self

    # nn.Module's own state_dict() and load_state_dict() call these two, in a parent module as well

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:  # noqa: ARG002
        destination.update({prefix + name: tensor for name, tensor in self.method.state_dict().items()})

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Tensor],
        prefix: str,
        local_metadata: Any,  # noqa: ARG002
        strict: Any,  # noqa: ARG002
        missing_keys: Any,  # noqa: ARG002
        unexpected_keys: Any,  # noqa: ARG002
        error_msgs: list[str],
    ) -> None:
        own = {name.removeprefix(prefix): tensor for name, tensor in state_dict.items() if name.startswith(prefix)}
        try:
            with torch.inference_mode(False):
                self.method.load_state_dict(own)
        except (ValueError, KeyError) as error:
            error_msgs.append(str(error))


def adapt(
    model: nn.Module | Classifier,
    method: str = "mgtta",
    statistics: SourceStatistics | str | Path | None = None,
    generator: nn.Module | str | Path | None = None,
    *,
    guard: Mode = "rollback",
    memory: str | None = "reservoir",
    window: int = 64,
    seed: int = 0,
    **options: Any,
) -> Adapted:
    """Makes a model adapt to the images that it is given, without labels.

    `adapt(model, guard="off", memory=None, boost=1)` is the paper's protocol: each batch is answered and learned from,
    in one forward pass. The defaults are those of `mgtta-cam`, made for video.

    Args:
        model: a timm VisionTransformer with a class token, or a `Backbone`. It is used as it is, on its device: its
            norm layers change while it adapts, until `reset`.
        method: a name in `METHODS`, or a plug-in: `./mine.py:mine`, `package.module:mine`.
        statistics: of the model on clean images, or their file; by default the shipped ones, if they are of exactly
            this model. Methods that do not need them run without; the guard notices less then.
        generator: for `mgtta` and `mgtta-lstm`: pre-trained, or its file; by default the shipped one.
        guard: what happens when an update does harm: `off` (the paper: there is no guard), `warn`, `rollback`, `stop`
            (which here is the same as `rollback`). See `mgtta.guard.Guarded`.
        memory: which images an update is made of: `reservoir`, `balanced` or `window` (the latest ones), each holding
            `window` images, or a plug-in. An update follows whenever `window` new images came, and no more than one a
            call. None (the paper): each batch by itself, whatever its size; batches of one image are then skipped by
            methods that align statistics.
        window: images in the memory.
        seed: of the memory's draws.
        options: the method's own, such as `lr`, `discrepancy_weight`; `boost` (MGTTA) enlarges the first steps and is 1
            in the paper; by default what pre-training chose for exactly this model, and 1 for any other or where `lr`
            is given.

    Returns:
        An nn.Module: `adapted(images)` -> logits, `.predict(images)`, `.update(images)`, `.reset()`, `.state_dict()`,
        `.load_state_dict(state)`.

    Raises:
        ModelError: if the model is of another kind, or statistics are missing or another model's; it says what to do.
        ValueError: for an unknown method or option, or a value out of its range.

    Example:
        >>> from mgtta import SourceStatistics
        >>> from mgtta_models.tiny import tiny_backbone
        >>> model = tiny_backbone()
        >>> clean, loader = torch.randn(64, 3, 32, 32), torch.randn(4, 16, 3, 32, 32)
        >>> adapted = adapt(model, statistics=SourceStatistics.measure(model, [clean]), window=32)
        >>> for images in loader:
        ...     logits = adapted(images)
        >>> list(logits.shape)
        [16, 10]
    """
    backbone = model if not isinstance(model, nn.Module) or isinstance(model, Backbone) else Backbone(model)
    if guard not in GUARDS:
        raise ValueError(f"guard is one of {', '.join(GUARDS)}; got {guard!r}")
    if memory is not None and memory not in MEMORIES:
        raise ValueError(f"memory is one of {', '.join(MEMORIES)}, a plug-in or None; got {memory!r}")
    if window < 1:
        raise ValueError(f"window is expected to be 1 or more; got {window}")
    built = _built(backbone, method, _statistics(statistics), generator, options)
    known = None
    if guard != "off":
        with suppress(ModelError):  # without statistics the guard notices less
            known = (_statistics(statistics) or shipped_statistics(backbone)).on(backbone)
    return Adapted(
        backbone,
        live(
            built,
            backbone,
            statistics=known,
            guard=None if guard == "off" else guard,
            memory=memory,
            size=window,
            every=window,
            seed=seed,
        ),
    )


def _built(
    backbone: Classifier,
    name: str,
    statistics: SourceStatistics | None,
    generator: nn.Module | str | Path | None,
    options: dict[str, Any],
) -> Method:
    """The method by itself, with what it needs."""
    if name not in METHODS:
        raise ValueError(f"no method {name!r}; known: {', '.join(METHODS)}")
    builder = METHODS[name]
    parameters = inspect.signature(builder).parameters
    if generator is not None and not GENERATORS.keys() & parameters.keys():
        raise ValueError(f"the method {name} takes no generator")
    needs = needs_of(builder) - options.keys()
    given: dict[str, Any] = {}
    for kind in needs & GENERATORS.keys():
        if isinstance(generator, nn.Module):
            given[kind] = generator
            continue
        path = shipped.generator(backbone.digest, kind) if generator is None else Path(generator)
        given[kind] = load_generator(path, kind)
        if "boost" in parameters and not options.keys() & {"lr", "boost"}:
            given["boost"] = chosen_boost(path, backbone)
    if needs & {"statistics", "fisher"}:
        known = statistics or shipped_statistics(backbone)
        known.fits(backbone)
        if "statistics" in needs:
            given["statistics"] = known
        if "fisher" in needs:
            given["fisher"] = _importances(known)
    try:
        return builder(backbone, **given, **options)
    except TypeError as error:
        free = ", ".join(p.name for p in parameters.values() if p.default is not inspect.Parameter.empty)
        raise ValueError(f"the method {name} cannot be built ({error}); its options: {free}") from error


def _importances(statistics: SourceStatistics) -> Mapping[str, Tensor]:
    if not statistics.fisher:
        raise ModelError(
            "these source statistics have no Fisher importances: measure them with "
            "mgtta.statistics.measure_fisher(backbone, batches) and pass fisher=..."
        )
    return statistics.fisher


def _statistics(given: SourceStatistics | str | Path | None) -> SourceStatistics | None:
    return SourceStatistics.load(Path(given)) if isinstance(given, str | Path) else given
