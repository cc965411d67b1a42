"""Makes the next item on a thread while the one before is in use: two stages of a stream at once, in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.1  # how long a wait lasts before signal handlers run and `meanwhile` is called


class Prefetch(Generic[T]):
    """An iterable whose items are made on a thread of its own, one at a time, each when it is asked for.

    Args:
        items: iterated on the thread, and closed there.
        name: of the thread, for debuggers.

    Whatever ends the iteration with an error is raised by `take`.
    """

    def __init__(self, items: Iterable[T], name: str) -> None:
        self._items = items
        self._asked: SimpleQueue[Future[T | None] | None] = SimpleQueue()
        self._coming: Future[T | None] | None = None
        self._closed: Future[None] = Future()  # has an error, if closing did
        self._thread = threading.Thread(target=self._work, name=f"mgtta-cam {name}", daemon=True)

    def begin(self) -> None:
        """Lets the thread make the next item, if none is under way."""
        if self._coming is not None:
            return
        self._coming = Future()
        self._asked.put(self._coming)
        if self._thread.ident is None:
            self._thread.start()

    def take(self, meanwhile: Callable[[], object] = lambda: None) -> T | None:
        """The item that was begun; None after the last.

        Args:
            meanwhile: called each POLL_SECONDS of waiting.
        """
        coming = self.coming
        while not wait([coming], POLL_SECONDS).done:
            meanwhile()
        self._coming = None
        return coming.result()

    @property
    def coming(self) -> Future[T | None]:
        """The item that was begun."""
        assert self._coming is not None, "nothing was begun"
        return self._coming

    @property
    def busy(self) -> bool:
        """Whether an item was begun and not taken."""
        return self._coming is not None

    def close(self, patience_s: float | None = None) -> None:
        """Ends the iteration after the item under way, which is left behind when patience ends.

        Whatever the iterator raises when it is closed is raised here.
        """
        self._asked.put(None)
        if self._thread.ident is not None:
            self._thread.join(patience_s)
        if self._closed.done():
            self._closed.result()

    def _work(self) -> None:
        iterator = iter(self._items)
        while (future := self._asked.get()) is not None:
            try:
                future.set_result(next(iterator, None))
            except BaseException as error:
                future.set_exception(error)
        try:
            getattr(iterator, "close", lambda: None)()
        except BaseException as error:
            self._closed.set_exception(error)


def prefetched(items: Iterable[T], name: str, revise: Callable[[T], T] = lambda item: item) -> Iterator[T]:
    """The same items, in order; while one is in use the next is made.

    Args:
        items: iterated on a thread.
        name: of the thread, for debuggers.
        revise: the last word on an item, before the next is begun; called by whoever iterates.
    """
    making = Prefetch(items, name)
    try:
        making.begin()
        while (item := making.take()) is not None:
            item = revise(item)
            making.begin()
            yield item
    finally:
        making.close(POLL_SECONDS)
