"""The shipped files: `checkpoints/*.safetensors`, listed in `checkpoints/manifest.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from mgtta_models.errors import ModelError

FOLDER = Path(__file__).parent / "checkpoints"
UNIVERSAL = "vit_tiny_patch16_224"  # trained on a real ImageNet model: what any other model gets


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the manifest."""

    file: str
    kind: str  # backbone, generator, lstm or statistics
    model: str  # name of the model that it is, or was made for
    digest: str  # of that model's weights (`Backbone.digest`)
    sha256: str  # of the file
    license: str
    command: str  # that made it

    @property
    def path(self) -> Path:
        """Its path in this installation."""
        return FOLDER / self.file


def manifest() -> tuple[Entry, ...]:
    """All shipped files."""
    with (FOLDER / "manifest.toml").open("rb") as file:
        return tuple(Entry(**entry) for entry in tomllib.load(file)["checkpoint"])


def backbone() -> Path:
    """The embedded model's weights."""
    for entry in manifest():
        if entry.kind == "backbone":
            return entry.path
    raise ModelError("the embedded model is missing from this installation: install mgtta-cam again")


def statistics(digest: str) -> Path | None:
    """The source statistics of exactly these weights, if they are shipped: no others would fit."""
    return next((e.path for e in manifest() if e.kind == "statistics" and e.digest == digest), None)


def generator(digest: str, kind: str = "generator") -> Path:
    """The generator trained on these weights, or else the one trained on ViT-Tiny: its numbers fit any model.

    Kinds are `generator`, the Meta Gradient Generator, and `lstm`, the one with an LSTM in it.
    """
    found = [e for e in manifest() if e.kind == kind]
    for entry in (*(e for e in found if e.digest == digest), *(e for e in found if e.model == UNIVERSAL)):
        return entry.path
    raise ModelError("no generator came with this installation: give one with --mgg FILE")
