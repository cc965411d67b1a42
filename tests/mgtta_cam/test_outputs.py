"""Progress of long tasks: a bar on a terminal, a plain line every ten seconds elsewhere, nothing with --quiet."""

from __future__ import annotations

import time
from io import StringIO

import pytest
from rich.console import Console

from mgtta_cam.outputs import EVERY_S, Progress, print_lines, progress


class Clock:
    """A clock that advances only while someone waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Now."""
        return self.now

    def wait(self, seconds: float) -> bool:
        """Waits for an end that never comes."""
        self.now += seconds
        return False


def plain(*, quiet: bool = False) -> Console:
    """A console whose words are kept."""
    return Console(file=StringIO(), force_terminal=False, width=40, quiet=quiet)


def words(console: Console) -> str:
    """What it printed."""
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_lines() -> None:
    """Each line gives what is done, how long it took and how long the rest will take, and never wraps."""
    clock, console = Clock(), plain()
    work = Progress("bench", 60, "cells", clock=clock)

    def ended(seconds: float) -> bool:
        clock.wait(seconds)
        if clock.now == 1020:
            work.advance(3)
        return clock.now > 1030

    print_lines(console, work, ended)
    assert words(console).splitlines() == [
        "bench: 0 of 60 cells, 10 s",
        "bench: 3 of 60 cells, 20 s, about 6 min left",  # 380 s
        "bench: 3 of 60 cells, 30 s, about 10 min left",  # 570 s
    ]
    assert EVERY_S == 10


@pytest.mark.parametrize(
    ("total", "before", "done", "spent", "line"),
    [
        (60, 0, 12, 200, "work: 12 of 60 cells, 3 min 20 s, about 13 min left"),
        (60, 50, 5, 100, "work: 55 of 60 cells, 1 min 40 s, about 1 min 40 s left"),
        (60, 0, 60, 3720, "work: 60 of 60 cells, 1 h 2 min"),
        (2000, 0, 1, 10, "work: 1 of 2,000 cells, 10 s, about 5 h 33 min left"),
        (60, 0, 59, 590, "work: 59 of 60 cells, 9 min 50 s, about 10 s left"),
        (None, 0, 0, 59.7, "work: 1 min 0 s"),
    ],
)
def test_a_line(total: int | None, before: int, done: int, spent: float, line: str) -> None:
    """Parts that an earlier run finished count as done, but not towards the pace of this one."""
    clock = Clock()
    work = Progress("work", total, "cells" if total else "", done=before, clock=clock)
    work.advance(done)
    clock.wait(spent)
    assert work.line() == line


def test_without_a_terminal() -> None:
    """Lines are printed only while the work runs; shorter work than ten seconds prints none."""
    console = plain()
    with progress(console, "work", 2, "parts", every_s=0.001) as work:
        deadline = time.monotonic() + 30
        while words(console).count("\n") < 3 and time.monotonic() < deadline:
            time.sleep(0.001)
        work.advance()
    before = words(console)
    assert before.startswith("work: 0 of 2 parts, 0 s\n")
    with progress(console, "work", 2, "parts"):
        pass
    assert words(console) == before


def test_quiet() -> None:
    """--quiet prints no progress, with a terminal or without one."""
    for console in (plain(quiet=True), Console(file=StringIO(), force_terminal=True, quiet=True)):
        with progress(console, "work", 2, "parts", every_s=0.001) as work:
            work.advance()
        assert words(console) == ""


def test_a_terminal() -> None:
    """The bar follows the counts and names the latest part."""
    console = Console(file=StringIO(), force_terminal=True, width=80)
    with progress(console, "work", 3, "parts", every_s=0.001) as work:
        work.advance(2, about="tent fog")
    assert "2/3" in words(console)
    assert "tent fog" in words(console)
    assert "parts" not in words(console)


def test_an_error_ends_it() -> None:
    """The printing thread ends with the work, however it ends."""
    console = plain()
    with pytest.raises(ValueError, match="broken"), progress(console, "work", every_s=0.001):
        raise ValueError("broken")
    before = words(console)
    assert words(console) == before
