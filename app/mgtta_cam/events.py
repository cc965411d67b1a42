"""Events that other threads hear of, told on the main thread: log and terminal belong to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any


class Everyone:
    """Passes events on to all who hear of them, on the thread that tells.

    Args:
        person: hears of them first, and alone of what is no log's business.
    """

    def __init__(self, person: Callable[..., None]) -> None:
        self.person = person
        self.others: list[Callable[..., None]] = []

    def __call__(self, kind: str, **facts: Any) -> None:
        """Tells all of an event."""
        self.person(kind, **facts)
        for other in self.others:
            other(kind, **facts)


class Notices:
    """Takes events on any thread, in order, until the main thread asks for them.

    Args:
        tell: hears of each, on the thread that calls `deliver`.
    """

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell = tell
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque()

    def __call__(self, kind: str, **facts: Any) -> None:
        """Takes an event; returns at once."""
        self._waiting.append((kind, facts))

    def deliver(self) -> None:
        """Tells of all that wait."""
        while self._waiting:
            kind, facts = self._waiting.popleft()
            self._tell(kind, **facts)
