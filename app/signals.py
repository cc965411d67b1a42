"""SIGINT and SIGTERM: the first ends the run in good order, the second at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def orderly_end(stop: Callable[[int], None], running: Callable[[], bool]) -> Iterator[None]:
    """While this context lasts, a signal asks for an end with exit code 130 (SIGINT) or 143 (SIGTERM).

    Args:
        stop: called with the exit code while `running` says True: the loop ends after the frame at hand.
        running: otherwise, while models load and sources open, SystemExit is raised where the program just is.
    """
    received: list[int] = []

    def handle(number: int, _: FrameType | None) -> None:
        code = 128 + number
        if received:
            os._exit(code)
        received.append(number)
        if not running():
            raise SystemExit(code)
        stop(code)

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
