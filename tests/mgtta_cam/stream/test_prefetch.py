"""Stages of a stream at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from mgtta_cam.stream.prefetch import Prefetch, prefetched


def numbers(made: list[int], count: int = 4) -> Iterator[int]:
    """Numbers from 1, told when they are made; -1 when the iteration is closed."""
    try:
        for n in range(1, count + 1):
            made.append(n)
            yield n
    finally:
        made.append(-1)


def test_all_items_in_order_and_one_is_made_beforehand() -> None:
    """While an item is in use the next is made, and not the one after it."""
    made: list[int] = []
    seen: list[int] = []
    for item in prefetched(numbers(made), "test"):
        for _ in range(200):
            if len(made) > item:
                break
            threading.Event().wait(0.01)
        seen.append(item)
        assert made[: item + 1] == [1, 2, 3, 4, -1][: item + 1]
        assert len(made) <= item + 1
    assert seen == [1, 2, 3, 4]


def test_items_are_made_on_one_thread() -> None:
    """From the first to the last, and not on the one that takes them."""

    def threads() -> Iterator[int]:
        for _ in range(3):
            yield threading.get_ident()

    assert len({threading.get_ident(), *prefetched(threads(), "test")}) == 2


def test_an_error_comes_after_the_items_before_it() -> None:
    """Errors of every kind, and those of the kind that a wait that is not over raises too."""

    def broken(error: BaseException) -> Iterator[int]:
        yield 1
        raise error

    for error in (ZeroDivisionError(), TimeoutError("ours"), SystemExit(3)):
        seen: list[int] = []
        with pytest.raises(type(error)) as raised:
            seen.extend(prefetched(broken(error), "test"))
        assert raised.value is error


def test_whoever_leaves_closes_the_items() -> None:
    """On their thread, after the one under way."""
    made: list[int] = []
    items = prefetched(numbers(made), "test")
    assert next(items) == 1
    items.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert made == [1, 2, -1]


def test_items_are_revised_before_the_next_begins() -> None:
    """So that what follows is made under what the revision has settled."""
    made: list[int] = []
    told: list[tuple[int, int]] = []

    def revise(item: int) -> int:
        told.append((item, len(made)))
        return 10 * item

    assert list(prefetched(numbers(made, 3), "test", revise)) == [10, 20, 30]
    assert told == [(1, 1), (2, 2), (3, 3)]


def test_a_wait_lets_other_things_happen() -> None:
    """`meanwhile` is called until the item is there."""
    ready, calls = threading.Event(), list[int]()

    def late() -> Iterator[int]:
        ready.wait(5)
        yield 7

    def meanwhile() -> None:
        calls.append(1)
        if len(calls) == 2:
            ready.set()

    making = Prefetch(late(), "test")
    assert not making.busy
    making.begin()
    making.begin()  # is under way
    assert making.busy
    assert (making.take(meanwhile), len(calls)) == (7, 2)
    making.begin()
    assert making.take() is None
    making.close()


def test_nothing_is_made_unasked() -> None:
    """Closing what was never begun starts no thread."""
    made: list[int] = []
    making = Prefetch(numbers(made), "test")
    making.close()
    assert made == []


def test_what_fails_as_the_items_end_is_not_lost() -> None:
    """It is raised by whoever closes."""

    def items() -> Iterator[int]:
        try:
            yield 1
        finally:
            raise ValueError("not let go")

    making = Prefetch(items(), "test")
    making.begin()
    assert making.take() == 1
    with pytest.raises(ValueError, match="not let go"):
        making.close()
