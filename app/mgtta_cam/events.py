"""Events of a run, such as an opened source, a key or a rollback: a handler type, a bus, a queue between threads."""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol


class EventHandler(Protocol):
    """Takes events: `emit("reconnect", name="rtsp://camera", after_s=2.1)`.

    Kinds and facts are those of the log's `event` lines (docs/log.md).
    """

    def __call__(self, kind: str, /, **facts: Any) -> None:
        """Takes an event and returns at once."""
        ...


def ignore(kind: str, /, **facts: Any) -> None:
    """A handler that does nothing."""


class EventBus:
    """Passes each event on to every handler, on the thread that emits it.

    Args:
        user: prints events for the user. It comes first, and alone gets what no log may contain.
        others: further handlers, such as the log.
    """

    def __init__(self, user: EventHandler, *others: EventHandler) -> None:
        self.user = user
        self.others = list(others)

    def __call__(self, kind: str, /, **facts: Any) -> None:
        """Emits an event."""
        for handler in (self.user, *self.others):
            handler(kind, **facts)


class EventQueue:
    """Takes events on any thread; hands them on, in order, on the thread that calls `deliver`.

    The main thread does, because log and terminal belong to it.

    Args:
        handler: gets each event.
    """

    def __init__(self, handler: EventHandler) -> None:
        self._handler = handler
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque()

    def __call__(self, kind: str, /, **facts: Any) -> None:
        """Takes an event and returns at once."""
        self._waiting.append((kind, facts))

    def deliver(self) -> None:
        """Hands on all events that wait."""
        while self._waiting:
            kind, facts = self._waiting.popleft()
            self._handler(kind, **facts)
