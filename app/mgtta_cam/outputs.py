"""What goes out: files checked before a run and not after an hour of it, stdout, figures, progress bars."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mgtta_cam.errors import OutputError
from mgtta_models.errors import closed

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console
    from rich.progress import Progress


def writable(path: Path, *, overwrite: bool) -> Path:
    """The path, if a file can be written there.

    Raises:
        OutputError: if the folder is missing or closed to us, the path is a folder, or a file exists and
            `overwrite` is not set.
    """
    parent = path.parent
    if not os.path.isdir(parent):
        raise OutputError(f"cannot write {path}: there is no folder {parent}{closed(parent)}; make it first")
    if why := closed(path):
        raise OutputError(f"cannot write {path}{why}")
    if os.path.isdir(path):
        raise OutputError(f"cannot write {path}: it is a folder; name a file in it")
    if os.path.exists(path) and not overwrite:
        raise OutputError(f"{path} exists; choose another name or pass --overwrite")
    if not os.access(path if os.path.exists(path) else parent, os.W_OK):
        raise OutputError(f"cannot write {path}: permission denied")
    return path


def folder_for_outputs(folder: Path) -> Path:
    """The folder, made if it is not there.

    Raises:
        OutputError: if it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"--out {folder} cannot be made: {error.strerror}") from None
    return folder


def to_stdout(line: str) -> None:
    """Prints a line of data, now.

    Raises:
        OutputError: if it cannot be written, as to a full disk. A pipe that its reader has closed is none of it.
    """
    try:
        print(line, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter tries again at its end
        raise OutputError(f"cannot write to stdout: {error.strerror or error}") from None


def save(figure: Figure, path: Path) -> None:
    """A PNG; the figure is closed.

    Raises:
        OutputError: if it cannot be written.
    """
    from matplotlib import pyplot as plt

    try:
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        plt.close(figure)


@contextmanager
def progress(console: Console) -> Iterator[Progress]:
    """A bar with counts and time left, on the console for people."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        yield bars
