"""What goes out: files checked before a run and not after an hour of it, stdout, figures, progress bars."""

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

EVERY_S = 10.0  # between two lines where there is no terminal for a bar


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


class Progress:
    """How far a long piece of work has come, in words.

    Args:
        name: of the work, what a line begins with.
        total: how many parts there are; None where that is not known.
        unit: the parts' name in the plural.
        done: parts that an earlier call finished.
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
        self.about = name  # what is being done just now
        self.changed: Callable[[], None] = lambda: None  # called after each change
        self._before, self._clock, self._began = done, clock, clock()

    def advance(self, count: int = 1, about: str | None = None) -> None:
        """Counts finished parts.

        Args:
            count: how many.
            about: what was finished, for the bar.
        """
        self.done += count
        self.about = about or self.about
        self.changed()

    def line(self) -> str:
        """`bench: 12 of 60 cells, 3 min 20 s, about 13 min left`."""
        spent = self._clock() - self._began
        parts = [] if self.total is None else [f"{self.done:,} of {self.total:,} {self.unit}".rstrip()]
        parts.append(_lasting(spent))
        ours = self.done - self._before
        if self.total is not None and ours > 0 and self.done < self.total:
            parts.append(f"about {_lasting((self.total - self.done) * spent / ours, roughly=True)} left")
        return f"{self.name}: {', '.join(parts)}"


def _lasting(seconds: float, *, roughly: bool = False) -> str:
    """7.4 -> 7 s; 200 -> 3 min 20 s; 3720 -> 1 h 2 min. Roughly: from two minutes on, whole minutes."""
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
    """Shows on the console for people how far the work in this context has come.

    On a terminal it is a bar; elsewhere a plain line, now and then, for whoever reads a log or waits for a job. A
    quiet console gets neither.

    Args:
        console: for people.
        name: of the work.
        total: how many parts there are; None where that is not known.
        unit: the parts' name in the plural.
        done: parts that an earlier call finished.
        every_s: seconds between two plain lines, > 0.
    """
    state = Progress(name, total, unit, done)
    if console.quiet:
        yield state
    elif console.is_terminal:
        with _bar(console, state):
            yield state
    else:
        ended = threading.Event()
        words = threading.Thread(target=tell, args=(console, state, ended.wait, every_s), name="progress", daemon=True)
        words.start()
        try:
            yield state
        finally:
            ended.set()
            words.join()


def tell(console: Console, state: Progress, ended: Callable[[float], bool], every_s: float = EVERY_S) -> None:
    """Prints a line each so many seconds.

    Args:
        console: for people.
        state: of the work.
        ended: waits for the end of the work, so many seconds at most; returns whether it has come.
        every_s: between two lines.
    """
    while not ended(every_s):
        console.print(state.line(), soft_wrap=True)


@contextmanager
def _bar(console: Console, state: Progress) -> Iterator[None]:
    """A bar with counts and time left, which follows the state."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console) as bars:
        task = bars.add_task(state.about, total=state.total, completed=state.done)
        state.changed = lambda: bars.update(task, completed=state.done, description=state.about)
        yield
