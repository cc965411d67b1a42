"""Which methods there are for a model, and what they need: generators, source statistics, a rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgtta_cam.config.method_spec import Spec, known_memory, known_method, options_of
from mgtta_cam.config.settings import Settings
from mgtta_cam.errors import UsageError

if TYPE_CHECKING:
    from mgtta import SourceStatistics
    from mgtta.guard import Guarded
    from mgtta.types import Method
    from mgtta_models import Backbone


def check_method(settings: Settings) -> None:
    """Checks that method and memory exist, and that the method has a learning rate if one was given.

    Raises:
        UsageError: with the nearest names.
    """
    if settings.lr is not None and "lr" not in options_of(known_method(settings.method)):
        raise UsageError(f"--lr: method {settings.method} has no learning rate")
    known_method(settings.method)
    known_memory(settings.memory)


def provenance(settings: Settings, backbone: Backbone, name: str | None = None) -> dict[str, str]:
    """sha256 of the files that a method (the chosen one) learned from before: its generator, its source statistics."""
    from mgtta_models import files

    wanted = options_of(name or settings.method)
    return {need: files.sha256(path(settings, backbone)) for need, path in PATHS.items() if need in wanted}


def methods(settings: Settings, backbone: Backbone) -> Mapping[str, Callable[[], Method]]:
    """Builders of all methods on one backbone; --lr and --mgg are the chosen method's."""
    from mgtta import METHODS

    names = dict.fromkeys((*METHODS, settings.method))  # the chosen one may be a plug-in, which is not listed
    return {name: partial(method, settings, backbone, asked(settings, name)) for name in names}


def asked(settings: Settings, name: str | None = None) -> Spec:
    """A method (the chosen one) as the settings want it."""
    name = name or settings.method
    return Spec(name, (("lr", settings.lr),) if name == settings.method and settings.lr is not None else ())


def method(settings: Settings, backbone: Backbone, spec: Spec) -> Method:
    """A method with all that it needs, from the spec's files, or those of the settings, or what is shipped.

    Raises:
        ModelError: if something is missing, with the command that makes it.
        UsageError: if an option's value can not do.
    """
    from mgtta import METHODS

    spec = deployed(settings, backbone, spec)
    settings = with_files(settings, spec)
    makers = {"generator": generator, "lstm": lstm, "statistics": statistics, "fisher": fisher}
    wanted = options_of(spec.name)
    needs: dict[str, Any] = {need: make(settings, backbone) for need, make in makers.items() if need in wanted}
    try:
        return METHODS[spec.name](backbone, **needs, **dict(spec.options))
    except ValueError as error:
        raise UsageError(f"{spec}: {error}") from None


def alive(settings: Settings, backbone: Backbone, spec: Spec, size: int) -> Method:
    """The same as it learns in live video, where the spec says so: watched, and from a memory of `size` frames.

    Raises:
        ModelError, UsageError: as `method` does.
    """
    from mgtta.live import live

    added: dict[str, Any] = dict(spec.live)
    if settings.paper and "guard" in added:
        added["guard"] = "off"
    known = known_statistics(settings, backbone) if added.get("guard", "off") != "off" else None
    learner = method(settings, backbone, spec)
    return live(learner, backbone, statistics=known, size=size, seed=settings.seed, **added)


def guarded(settings: Settings, backbone: Backbone) -> Callable[[Method], Guarded]:
    """Has methods on this backbone watched, as --guard wants it; --paper: not at all."""
    from mgtta.guard import Guarded

    if settings.paper or settings.guard == "off":
        return Guarded
    known = known_statistics(settings, backbone)
    return lambda learner: Guarded(learner, backbone, known, settings.guard)


def known_statistics(settings: Settings, backbone: Backbone) -> SourceStatistics | None:
    """The model's source statistics, on its device; None, with which the guard notices less, if there are none."""
    from mgtta_models import ModelError

    with suppress(ModelError):
        return statistics(settings, backbone).on(backbone)
    return None


def deployed(settings: Settings, backbone: Backbone, spec: Spec) -> Spec:
    """The spec as it runs: with the boost that pre-training chose for this very model.

    A rate or a boost in the spec is taken as it is, and --paper leaves all as published.

    Raises:
        ModelError: if there is no generator, or a file that is none.
    """
    needs = {"generator", "lstm"} & options_of(spec.name).keys()
    if settings.paper or not needs or {"lr", "boost"} & dict(spec.options).keys():
        return spec
    from mgtta.pretrained import chosen_boost

    boost = chosen_boost(PATHS[needs.pop()](with_files(settings, spec), backbone), backbone)
    return spec if boost == 1 else replace(spec, options=(*spec.options, ("boost", boost)))


def with_files(settings: Settings, spec: Spec) -> Settings:
    """The settings, with the files that a spec names in the place of the run's; --mgg is the chosen method's only."""
    mgg = settings.mgg if spec.name == settings.method else None
    return replace(settings, **{"mgg": mgg, **dict(spec.files)})  # pyright: ignore[reportArgumentType]


def generator(settings: Settings, backbone: Backbone) -> Any:
    """The Meta Gradient Generator given, or the shipped one."""
    from mgtta.pretrained import load_generator

    return load_generator(generator_path(settings, backbone))


def lstm(settings: Settings, backbone: Backbone) -> Any:
    """The LSTM generator given, or the shipped one."""
    from mgtta.pretrained import load_generator

    return load_generator(lstm_path(settings, backbone), "lstm")


def statistics(settings: Settings, backbone: Backbone) -> SourceStatistics:
    """The model's source statistics: those given, or those that are shipped.

    Raises:
        ModelError: if there are none, with the command that makes them.
    """
    from mgtta import SourceStatistics

    return SourceStatistics.load(statistics_path(settings, backbone))


def fisher(settings: Settings, backbone: Backbone) -> Mapping[str, Any]:
    """The model's Fisher importances, which `mgtta-cam stats` measures with the statistics.

    Raises:
        ModelError: if there are none, with the command that makes them.
    """
    from mgtta_models import ModelError

    found = statistics(settings, backbone).fisher
    if not found:
        raise ModelError(f"{statistics_path(settings, backbone)} has no Fisher importances: {_remedy(settings)}")
    return found


def generator_path(settings: Settings, backbone: Backbone) -> Path:
    """The generator given, or the shipped one."""
    from mgtta_models import shipped

    return settings.mgg or shipped.generator(backbone.digest)


def lstm_path(settings: Settings, backbone: Backbone) -> Path:
    """The LSTM generator given, or the shipped one."""
    from mgtta_models import shipped

    return settings.mgg or shipped.generator(backbone.digest, kind="lstm")


def statistics_path(settings: Settings, backbone: Backbone) -> Path:
    """The statistics given, or those shipped for just these weights.

    Raises:
        ModelError: if there are none, with the command that makes them.
    """
    from mgtta_models import ModelError, shipped

    path = settings.stats or shipped.statistics(backbone.digest)
    if path is None:
        raise ModelError(f"no source statistics of {backbone.name} with these weights: {_remedy(settings)}")
    return path


PATHS = {"generator": generator_path, "lstm": lstm_path, "statistics": statistics_path, "fisher": statistics_path}


def _remedy(settings: Settings) -> str:
    model = settings.model if settings.weights is None else f"{settings.model} --weights {settings.weights}"
    return (
        f"measure them once with `mgtta-cam stats --model {model} --images DIR --out FILE` on clean, unlabeled "
        "pictures and give --stats FILE, or use --method tent"
    )
