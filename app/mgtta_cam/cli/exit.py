"""Handles SIGINT, SIGTERM and SIGHUP: the first signal ends the run in good order, a second one at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

import typer

from mgtta_cam.redaction import redact
from mgtta_cam.stream.controls import Controls

if TYPE_CHECKING:
    from mgtta_cam.stream.session import Outcome

SIGNALS = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None]
SIGNALED = 128  # exit code minus this is the signal's number


@dataclass(slots=True)
class Signals:
    """The runs that a signal ends after the current frame; while there are none, it ends the program."""

    running: Sequence[Controls] = ()


@contextmanager
def orderly_end() -> Iterator[Signals]:
    """In this context, a signal requests an end with exit code 130 (SIGINT), 143 (SIGTERM) or 129 (SIGHUP).

    Until `running` is set, while models load and sources open, a signal raises SystemExit. SIGHUP stays ignored if it
    was, as under `nohup`.
    """
    signals = Signals()
    received: list[int] = []

    def handle(number: int, _: FrameType | None) -> None:
        code = SIGNALED + number
        if received:
            os._exit(code)
        received.append(number)
        if not signals.running:
            raise SystemExit(code)
        for controls in signals.running:
            controls.stop(code)

    handled = [n for n in SIGNALS if n in (signal.SIGINT, signal.SIGTERM) or signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in handled}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end(outcome: Outcome) -> None:
    """Exits with the error and exit code of a run."""
    if outcome.error is not None:
        complain(outcome.error)
    raise typer.Exit(outcome.exit_code)


def complain(message: str) -> None:
    """Prints one line on stderr, without secrets."""
    print(f"mgtta-cam: {redact(' '.join(message.split()))}", file=sys.stderr)
