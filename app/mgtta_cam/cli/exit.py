"""SIGINT, SIGTERM and a closed terminal: the first ends the run in good order, the second at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import typer

from mgtta_cam.redaction import redact

if TYPE_CHECKING:
    from mgtta_cam.stream.session import Outcome

SIGNALS = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None]
SIGNALED = 128  # exit codes above it: that many less is the signal


@contextmanager
def orderly_end(stop: Callable[[int], None], running: Callable[[], bool]) -> Iterator[None]:
    """While this context lasts, a signal asks for an end with exit code 130 (SIGINT), 143 (SIGTERM) or 129 (SIGHUP).

    SIGHUP stays ignored where it was, as `nohup` wants it.

    Args:
        stop: called with the exit code while `running` says True: the loop ends after the frame at hand.
        running: otherwise, while models load and sources open, SystemExit is raised where the program just is.
    """
    received: list[int] = []

    def handle(number: int, _: FrameType | None) -> None:
        code = SIGNALED + number
        if received:
            os._exit(code)
        received.append(number)
        if not running():
            raise SystemExit(code)
        stop(code)

    heard = [n for n in SIGNALS if n in (signal.SIGINT, signal.SIGTERM) or signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end(outcome: Outcome) -> None:
    """Ends a command as its run did."""
    if outcome.error is not None:
        complain(outcome.error)
    raise typer.Exit(outcome.exit_code)


def complain(message: str) -> None:
    """One line on stderr, without secrets."""
    print(f"mgtta-cam: {redact(' '.join(message.split()))}", file=sys.stderr)
