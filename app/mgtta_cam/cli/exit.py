"""SIGINT, SIGTERM and a closed terminal: the first ends the run in good order, the second at once."""

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
SIGNALED = 128  # exit codes above it: that many less is the signal


@dataclass(slots=True)
class Signals:
    """What a signal ends: the runs under way, after the frame at hand; before there are any, the program."""

    running: Sequence[Controls] = ()


@contextmanager
def orderly_end() -> Iterator[Signals]:
    """While this context lasts, a signal asks for an end with exit code 130 (SIGINT), 143 (SIGTERM) or 129 (SIGHUP).

    Until `running` is set, while models load and sources open, SystemExit is raised where the program is. SIGHUP stays
    ignored where it was, as `nohup` wants it.
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

    heard = [n for n in SIGNALS if n in (signal.SIGINT, signal.SIGTERM) or signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heard}
    try:
        yield signals
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
