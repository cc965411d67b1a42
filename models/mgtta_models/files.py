"""Checkpoint files: tensors and a card, in safetensors; other people's .pth files are read without running code."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mgtta_models.errors import ModelError, closed, reason


class Checkpoint(NamedTuple):
    """A file's tensors by name, and its card: what they are and how they were made."""

    tensors: dict[str, Tensor]
    card: dict[str, str]


def read(path: Path) -> Checkpoint:
    """Reads a .safetensors file, or a .pth, .pt or .bin file with `weights_only`.

    Raises:
        ModelError: if the file is missing, of another kind, damaged, or holds anything but tensors.
    """
    if not os.path.isfile(path):
        raise ModelError(f"no such file: {path}{closed(path)}")
    if not os.access(path, os.R_OK):
        raise ModelError(f"{path} cannot be read: permission denied")
    if path.suffix not in {".safetensors", ".pth", ".pt", ".bin"}:
        raise ModelError(f"a .safetensors or .pth file is expected; got {path.name}")
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                names = file.keys()
                return Checkpoint({name: file.get_tensor(name) for name in names}, file.metadata() or {})
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise ModelError(
            f"{path} is damaged or not a weights file ({reason(error)}): get it anew, from where it came from"
        ) from None
    for key in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise ModelError(f"{path} should map names to tensors; it holds a {type(content).__name__} of other things")
    return Checkpoint({str(name): tensor for name, tensor in content.items()}, {})


def write(path: Path, tensors: Mapping[str, Tensor], card: Mapping[str, str]) -> None:
    """Writes a .safetensors file whole or not at all.

    Raises:
        OSError: if it cannot be written.
    """
    if path.suffix != ".safetensors":
        raise ModelError(f"checkpoints are written as .safetensors; got {path.name}")
    try:
        with whole(path) as part:
            part.touch()
            mode = part.stat().st_mode  # as for all new files; safetensors would leave it to the owner alone
            save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, part, dict(card))
            part.chmod(mode)
    except SafetensorError as error:
        raise OSError(str(error)) from None


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A file to write that becomes `path` when all of it is written, or else goes: nobody ever finds half of one.

    Raises:
        OSError: if it cannot take its place.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        with suppress(OSError):  # the folder may be gone, or be a file
            part.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """A file's hash, as `manifest.toml` and the cards give it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
