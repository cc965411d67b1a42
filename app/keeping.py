"""What was learned, kept in a file from one run to the next: `--state`."""

from __future__ import annotations

from pathlib import Path

from app.errors import OutputError, UsageError
from app.pipeline import Pipeline
from models import files

FORMAT = "mgtta-cam state 1"


def resume(path: Path, pipeline: Pipeline, model_digest: str) -> None:
    """Takes up what the file holds, if it is there.

    Raises:
        ModelError: if it cannot be read.
        UsageError: if it is of another model or method.
    """
    if not path.exists():
        return
    tensors, card = files.read(path)
    expected = {"format": FORMAT, "model_digest": model_digest, "method": pipeline.method}
    for name, value in expected.items():
        if card.get(name) != value:
            raise UsageError(
                f"--state {path}: expected {name.replace('_', ' ')} {value}; it has {card.get(name)}: what was learned "
                "fits the model and method that learned it only; give another file"
            )
    try:
        pipeline.take_up(tensors, int(card.get("updates", "0")))
    except ValueError as error:
        raise UsageError(f"--state {path}: {error}") from None


def keep(path: Path, pipeline: Pipeline, model_digest: str) -> None:
    """Writes what was learned, whole or not at all; a file that was there is replaced.

    Raises:
        OutputError: if it cannot be written.
    """
    card = {
        "format": FORMAT,
        "model_digest": model_digest,
        "method": pipeline.method,
        "updates": str(pipeline.learner.updates),
    }
    try:
        files.write(path, pipeline.learner.state_dict(), card)
    except OSError as error:
        raise OutputError(f"--state {path} cannot be written: {error.strerror or error}") from None
