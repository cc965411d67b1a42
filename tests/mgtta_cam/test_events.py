"""Events of other threads."""

from __future__ import annotations

import threading

from mgtta_cam.events import Notices


def test_events_are_told_on_the_thread_that_asks() -> None:
    """In order, once, and not before somebody asks."""
    told: list[tuple[str, int, threading.Thread]] = []
    notices = Notices(lambda kind, **facts: told.append((kind, facts["n"], threading.current_thread())))

    def happen() -> None:
        for n in range(3):
            notices("event", n=n)

    thread = threading.Thread(target=happen)
    thread.start()
    thread.join()
    assert not told
    notices.deliver()
    notices.deliver()
    assert told == [("event", n, threading.current_thread()) for n in range(3)]
