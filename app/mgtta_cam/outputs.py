"""Outputs: files that are checked before a run starts, stdout, figures, progress."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mgtta_cam.errors import OutputError
from mgtta_models.errors import closed

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

EVERY_S = 10.0  # seconds between two lines where there is no terminal for a bar


def writable(path: Path, *, overwrite: bool) -> Path:
    """Returns the path if a file can be written there.

    Raises:
        OutputError: if the folder is missing or not accessible, the path is a folder, or a file exists and
            `overwrite` is not set.
    """
    parent = path.parent
    if not os.path.isdir(parent):
        raise OutputError(f"cannot write {path}: there is no folder {parent}{closed(parent)}; create it first")
    if why := closed(path):
        raise OutputError(f"cannot write {path}{why}")
    if os.path.isdir(path):
        raise OutputError(f"cannot write {path}: it is a folder; give the name of a file")
    if os.path.exists(path) and not overwrite:
        raise OutputError(f"{path} exists; choose another name or pass --overwrite")
    if not os.access(path if os.path.exists(path) else parent, os.W_OK):
        raise OutputError(f"cannot write {path}: permission denied")
    return path


def folder_for_outputs(folder: Path) -> Path:
    """Returns the folder, and creates it if it does not exist.

    Raises:
        OutputError: if it cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"--out {folder} cannot be created: {error.strerror}") from None
    return folder


def to_stdout(line: str) -> None:
    """Prints a line of data and flushes it.

    Raises:
        OutputError: if it cannot be written, for example to a full disk.
        BrokenPipeError: if the reader has closed the pipe.
    """
    try:
        print(line, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter tries again at exit
        raise OutputError(f"cannot write to stdout: {error.strerror or error}") from None


def save(figure: Figure, path: Path) -> None:
    """Saves a figure as PNG and closes it.

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


class Progress:
    """The progress of a long task, in words.

    Args:
        name: of the task; each line begins with it.
        total: number of parts; None if unknown.
        unit: what the parts are called, plural.
        done: parts that an earlier run finished.
        clock: seconds.
    """

    def __init__(
        self,
        name: str,
        total: int | None = None,
        unit: str = "",
        done: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.total, self.unit, self.done = name, total, unit, done
        self.about = name  # the part that was finished last
        self.changed: Callable[[], None] = lambda: None  # called after each change
        self._before, self._clock, self._began = done, clock, clock()

    def advance(self, count: int = 1, about: str | None = None) -> None:
        """Counts finished parts.

        Args:
            count: how many.
            about: the part that was finished, for the bar.
        """
        self.done += count
        self.about = about or self.about
        self.changed()

    def line(self) -> str:
        """Returns, for example, `bench: 12 of 60 cells, 3 min 20 s, about 13 min left`."""
        spent = self._clock() - self._began
        parts = [] if self.total is None else [f"{self.done:,} of {self.total:,} {self.unit}".rstrip()]
        parts.append(_lasting(spent))
        ours = self.done - self._before
        if self.total is not None and ours > 0 and self.done < self.total:
            parts.append(f"about {_lasting((self.total - self.done) * spent / ours, roughly=True)} left")
        return f"{self.name}: {', '.join(parts)}"


def _lasting(seconds: float, *, roughly: bool = False) -> str:
    """Formats a duration: 7.4 -> 7 s; 200 -> 3 min 20 s; 3720 -> 1 h 2 min. Roughly: whole minutes from 2 min up."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if roughly and whole >= 120:
        whole = 60 * round(whole / 60)
    minutes, rest = divmod(whole, 60)
    hours, left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {left} min"
    return f"{minutes} min" if roughly and not rest else f"{minutes} min {rest} s"


@contextmanager
def progress(
    console: Console, name: str, total: int | None = None, unit: str = "", done: int = 0, every_s: float = EVERY_S
) -> Iterator[Progress]:
    """Shows the progress of the work in this context.

    A terminal shows a bar; elsewhere a plain line is printed every `every_s` seconds, for logs and batch jobs. A quiet
    console shows neither.

    Args:
        console: where it is shown.
        name: of the task.
        total: number of parts; None if unknown.
        unit: what the parts are called, plural.
        done: parts that an earlier run finished.
        every_s: seconds between two plain lines, above 0.
    """
    state = Progress(name, total, unit, done)
    if console.quiet:
        yield state
    elif console.is_terminal:
        with _bar(console, state):
            yield state
    else:
        ended = threading.Event()
        words = threading.Thread(
            target=print_lines, args=(console, state, ended.wait, every_s), name="progress", daemon=True
        )
        words.start()
        try:
            yield state
        finally:
            ended.set()
            words.join()


def print_lines(console: Console, state: Progress, ended: Callable[[float], bool], every_s: float = EVERY_S) -> None:
    """Prints a line at a steady interval.

    Args:
        console: for people.
        state: of the work.
        ended: waits these seconds, or less if the work ends; returns whether it has ended.
        every_s: seconds between two lines.
    """
    while not ended(every_s):
        console.print(state.line(), soft_wrap=True)


@contextmanager
def _bar(console: Console, state: Progress) -> Iterator[None]:
    """Shows a bar with counts and time left, which follows the state."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console) as bars:
        task = bars.add_task(state.about, total=state.total, completed=state.done)
        state.changed = lambda: bars.update(task, completed=state.done, description=state.about)
        yield
