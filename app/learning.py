"""Which methods there are for a model, and what they need: a generator, source statistics, a rate."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.config import Settings
from app.errors import UsageError

if TYPE_CHECKING:
    from mgtta import SourceStatistics
    from mgtta.types import Method
    from models import Backbone


def check_method(settings: Settings) -> None:
    """Sees that the method exists, and has a learning rate if one was given.

    Raises:
        UsageError: with the nearest names.
    """
    from mgtta import METHODS

    if settings.method not in METHODS:
        near = difflib.get_close_matches(settings.method, METHODS, n=1)
        hint = f" (nearest: {near[0]})" if near else ""
        raise UsageError(f"--method: no method {settings.method!r}{hint}; known: {', '.join(METHODS)}")
    if settings.lr is not None and "lr" not in inspect.signature(METHODS[settings.method]).parameters:
        raise UsageError(f"--lr: method {settings.method} has no learning rate")


def provenance(settings: Settings, backbone: Backbone) -> dict[str, str]:
    """sha256 of the files that the chosen method learned from before: its generator, its source statistics."""
    from mgtta import METHODS
    from models import files

    wanted = inspect.signature(METHODS[settings.method]).parameters
    paths = {"generator": generator_path, "statistics": statistics_path}
    return {name: files.sha256(path(settings, backbone)) for name, path in paths.items() if name in wanted}


def methods(settings: Settings, backbone: Backbone) -> Mapping[str, Callable[[], Method]]:
    """Builders of all methods on one backbone; generator and statistics are read when a method wants them."""
    from mgtta import METHODS, MetaGradientGenerator
    from models import files

    @cache
    def generator() -> MetaGradientGenerator:
        return MetaGradientGenerator.from_official(files.read(generator_path(settings, backbone)).tensors)

    makers = {"generator": generator, "statistics": cache(partial(statistics, settings, backbone))}

    def build(name: str) -> Method:
        wanted = inspect.signature(METHODS[name]).parameters
        options: dict[str, Any] = {key: make() for key, make in makers.items() if key in wanted}
        if settings.lr is not None and name == settings.method:
            options["lr"] = settings.lr
        return METHODS[name](backbone, **options)

    return {name: partial(build, name) for name in METHODS}


def statistics(settings: Settings, backbone: Backbone) -> SourceStatistics:
    """The model's source statistics: those given, or those that are shipped.

    Raises:
        ModelError: if there are none, with the command that makes them.
    """
    from mgtta import SourceStatistics

    return SourceStatistics.load(statistics_path(settings, backbone))


def generator_path(settings: Settings, backbone: Backbone) -> Path:
    """The generator given, or the shipped one."""
    from models import shipped

    return settings.mgg or shipped.generator(backbone.digest)


def statistics_path(settings: Settings, backbone: Backbone) -> Path:
    """The statistics given, or those shipped for just these weights.

    Raises:
        ModelError: if there are none, with the command that makes them.
    """
    from models import ModelError, shipped

    path = settings.stats or shipped.statistics(backbone.digest)
    if path is None:
        raise ModelError(
            f"no source statistics of {backbone.name} with these weights: measure them once with "
            f"`mgtta-cam stats --model {settings.model} --images DIR --out FILE` and give --stats FILE, "
            "or use --method tent"
        )
    return path
