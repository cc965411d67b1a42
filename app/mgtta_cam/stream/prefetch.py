"""Makes the next item on a thread while the previous one is in use: two stages of a stream at a time, in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.1  # how long a wait lasts before signal handlers run and `meanwhile` is called


class Prefetch(Generic[T]):
    """An iterable whose items are made on a separate thread, one at a time, on request.

    Args:
        items: iterated on the thread, and closed there.
        name: of the thread, for debuggers.

    An error in the iteration is raised by `take`.
    """

    def __init__(self, items: Iterable[T], name: str) -> None:
        self._items = items
        self._asked: SimpleQueue[Future[T | None] | None] = SimpleQueue()
        self._coming: Future[T | None] | None = None
        self._closed: Future[None] = Future()  # has an error, if closing did
        self._thread = threading.Thread(target=self._work, name=f"mgtta-cam {name}", daemon=True)

    def begin(self) -> None:
        """Requests the next item, if none is under way."""
        if self._coming is not None:
            return
        self._coming = Future()
        self._asked.put(self._coming)
        if self._thread.ident is None:
            self._thread.start()

    def take(self, meanwhile: Callable[[], object] = lambda: None) -> T | None:
        """The requested item; None after the last.

        Args:
            meanwhile: called every POLL_SECONDS of waiting.
        """
        coming = self.coming
        while not wait([coming], POLL_SECONDS).done:
            meanwhile()
        self._coming = None
        return coming.result()

    @property
    def coming(self) -> Future[T | None]:
        """The requested item."""
        assert self._coming is not None, "nothing was requested"
        return self._coming

    @property
    def busy(self) -> bool:
        """Whether an item was requested and not taken."""
        return self._coming is not None

    def close(self, patience_s: float | None = None) -> None:
        """Ends the iteration after the item under way; does not wait for it longer than `patience_s`.

        An error in closing the iterator is raised here.
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
    """The same items, in order; while one is in use, the next is made.

    Args:
        items: iterated on a thread.
        name: of the thread, for debuggers.
        revise: changes an item before the next is requested; called on the caller's thread.
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
