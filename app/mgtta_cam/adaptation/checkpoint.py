"""The adapted state in a file, from one run to the next: `--state`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from torch import Tensor

from mgtta.types import Tensors
from mgtta_cam.adaptation.learner import Learner
from mgtta_cam.errors import OutputError, UsageError
from mgtta_models import ModelError, files

FORMAT = "mgtta-cam state 1"
PARAMETER = "parameter."  # what `Method.state_dict` puts before names of the model's


class Loop(Protocol):
    """What has a learner whose state can be restored."""

    method: str
    learner: Learner

    def restore(self, state: Mapping[str, Tensor], updates: int) -> None:
        """Restores a state."""
        ...


def resume(path: Path, loop: Loop, model_digest: str) -> None:
    """Restores the state in the file, if the file exists.

    Raises:
        ModelError: if it cannot be read.
        UsageError: if it is of another model or method.
    """
    if not os.path.exists(path):
        return
    tensors, card = _read(path, {"model_digest": model_digest, "method": loop.method})
    try:
        loop.restore(tensors, int(card.get("updates", "0")))
    except ValueError as error:
        raise UsageError(f"--state {path}: {error}") from None


def weights(path: Path, own: Tensors, model_digest: str) -> dict[str, Tensor]:
    """What the file holds, of a model's adapted parameters `own`.

    Raises:
        ModelError: if it cannot be read.
        UsageError: if it is of another model, or what was learned is no value of these parameters.
    """
    tensors, card = _read(path, {"model_digest": model_digest})
    learned = {name.removeprefix(PARAMETER): t for name, t in tensors.items() if name.startswith(PARAMETER)}
    if not learned or learned.keys() - own.keys():
        raise UsageError(
            f"--state {path}: what {card.get('method')} learned are no parameters of norm layers, and a model alone "
            "does not answer as it does; expected a state of another method"
        )
    return learned


def _read(path: Path, expected: Mapping[str, str]) -> files.Checkpoint:
    try:
        checkpoint = files.read(path)
    except ModelError as error:
        raise ModelError(f"--state: {error}") from None
    for name, value in {"format": FORMAT, **expected}.items():
        if checkpoint.card.get(name) != value:
            raise UsageError(
                f"--state {path}: expected {name.replace('_', ' ')} {value}; it has {checkpoint.card.get(name)}: what "
                "was learned fits the model and method that learned it only; give another file"
            )
    return checkpoint


def keep(path: Path, loop: Loop, model_digest: str) -> None:
    """Writes what was learned, whole or not at all; a file that was there is replaced.

    Raises:
        OutputError: if it cannot be written.
    """
    card = {
        "format": FORMAT,
        "model_digest": model_digest,
        "method": loop.method,
        "updates": str(loop.learner.updates),
    }
    try:
        files.write(path, loop.learner.state_dict(), card)
    except OSError as error:
        raise OutputError(f"--state {path} cannot be written: {error.strerror or error}") from None
