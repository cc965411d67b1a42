"""Events of other threads."""

from __future__ import annotations

import threading

from mgtta_cam.events import EventQueue


def test_events_are_told_on_the_thread_that_asks() -> None:
    """In order, once, and not before somebody asks."""
    told: list[tuple[str, int, threading.Thread]] = []
    event_queue = EventQueue(lambda kind, **facts: told.append((kind, facts["n"], threading.current_thread())))

    def happen() -> None:
        for n in range(3):
            event_queue("event", n=n)

    thread = threading.Thread(target=happen)
    thread.start()
    thread.join()
    assert not told
    event_queue.deliver()
    event_queue.deliver()
    assert told == [("event", n, threading.current_thread()) for n in range(3)]
