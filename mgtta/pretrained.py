"""What a method needs beside its model: a generator, source statistics, Fisher importances; given, or shipped."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mgtta.generator import MetaGradientGenerator
from mgtta.recurrent import RecurrentGenerator
from mgtta.statistics import SourceStatistics
from mgtta_models import Classifier, ModelError, files, shipped

Generator = MetaGradientGenerator | RecurrentGenerator
GENERATORS: Mapping[str, type[Generator]] = {"generator": MetaGradientGenerator, "lstm": RecurrentGenerator}


NEEDS = frozenset({*GENERATORS, "statistics", "fisher"})  # names by which a builder asks for them


def needs_of(builder: Callable[..., Any]) -> frozenset[str]:
    """What a method's builder asks for, by the names of its parameters: some of `NEEDS`."""
    return NEEDS & inspect.signature(builder).parameters.keys()


def load_generator(path: Path, kind: str = "generator") -> Generator:
    """A generator from its file.

    Args:
        path: ours, or the authors' own.
        kind: `generator`, the Meta Gradient Generator, or `lstm`, the one with an LSTM in it.

    Raises:
        ModelError: if the file is missing or holds something else.
    """
    return GENERATORS[kind].from_official(_read(path).tensors)


def chosen_boost(path: Path, backbone: Classifier) -> float:
    """The boost of the first steps that pre-training chose for exactly this model; 1, as in the paper, for any other.

    It stands in the card of the generator's file.
    """
    card = _read(path).card
    return float(card.get("boost", "1")) if card.get("model_digest") == backbone.digest else 1.0


def shipped_statistics(backbone: Classifier) -> SourceStatistics:
    """The source statistics of exactly this model, where they are shipped.

    Raises:
        ModelError: if there are none, with the call and the command that measure them.
    """
    path = shipped.statistics(backbone.digest)
    if path is None:
        raise ModelError(
            f"no source statistics of {backbone.name} with these weights are shipped: measure them once on clean, "
            "unlabeled pictures, with SourceStatistics.measure(Backbone(model), batches) and pass statistics=..., or "
            f"with mgtta-cam stats --model {backbone.name} --images DIR --out FILE"
        )
    return SourceStatistics.load(path)


@cache
def _read(path: Path) -> files.Checkpoint:
    return files.read(path)
