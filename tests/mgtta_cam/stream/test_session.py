"""A run from first frame to last word, with parts that are not real."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

from mgtta_cam.errors import OutputError, SourceLostError
from mgtta_cam.events import EventQueue
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.session import Session, play, play_all
from mgtta_cam.types import Frame, FrameResult
from tests.mgtta_cam.clips import frames
from tests.mgtta_cam.log.test_log import result


class Recorder:
    """A sink, journal and window that remembers what it was told."""

    def __init__(self, keys: Iterable[str | None] = (), fail_at: int | None = None, fail_closing: bool = False) -> None:
        self.seen: list[int] = []
        self.results: list[FrameResult] = []
        self.summaries: list[Mapping[str, Any]] = []
        self.closed = 0
        self._keys, self._fail_at, self._fail_closing = iter(keys), fail_at, fail_closing

    def write(self, result: FrameResult) -> None:
        """Fails at a frame if it shall."""
        if result.frame.index == self._fail_at:
            raise OutputError("disk full")
        self.seen.append(result.frame.index)
        self.results.append(result)

    def poll(self, wait_ms: int) -> str | None:
        """The next key."""
        assert wait_ms >= 0
        return next(self._keys, None)

    def event(self, kind: str, **facts: Any) -> None:
        """Not asked here."""

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Remembers the summary, before the closing."""
        assert not self.closed
        self.summaries.append(summary)

    def close(self) -> None:
        """Counts."""
        self.closed += 1
        if self._fail_closing:
            raise OutputError("not finished")


def answer(stream: Iterable[Frame]) -> Iterator[FrameResult]:
    """A pipeline that answers the same to every frame."""
    for frame in stream:
        yield result(frame=frame)


def session(count: int = 5, **parts: Any) -> Session:
    """A run over that many frames."""
    return Session(**{"frames": frames(count), "pipeline": answer, "controls": Controls()} | parts)


def test_each_sink_gets_each_result_once_in_order() -> None:
    """Window, sinks and journal see every frame, and all are closed."""
    window, sink, journal = Recorder(), Recorder(), Recorder()
    outcome = play(session(displays={"window": window}, sinks=[sink], journal=journal))
    assert window.seen == sink.seen == journal.seen == [0, 1, 2, 3, 4]
    assert (window.closed, sink.closed, journal.closed) == (1, 1, 1)
    assert (outcome.exit_code, outcome.error, outcome.summary["frames"]) == (0, None, 5)
    assert journal.summaries == [outcome.summary]


def test_drawing_time_is_in_the_journal() -> None:
    """The journal comes last, so that it knows what drawing took."""
    sink, journal = Recorder(), Recorder()
    play(session(1, sinks=[sink], journal=journal))
    assert "draw" not in sink.results[0].ms
    assert journal.results[0].ms["draw"] >= 0


def test_quit_by_key() -> None:
    """The key q ends the run after the frame that is being answered, well."""
    window = Recorder(keys=[None, "q"])
    outcome = play(session(displays={"window": window}))
    assert (outcome.exit_code, window.seen) == (0, [0, 1, 2])


def test_pause_and_single_step() -> None:
    """A pause lets the frame pass that is being answered, and no other; n lets one through; Space goes on."""
    keys = [" ", None, None, "n", None, None, None, " "]
    window, sink, polls = Recorder(keys), Recorder(), []
    poll = window.poll
    window.poll = lambda wait_ms: (polls.append(window.seen[-1]), poll(wait_ms))[1]  # type: ignore[method-assign]
    play(session(5, displays={"window": window}, sinks=[sink]))
    assert sink.seen == [0, 1, 2, 3, 4]
    assert window.seen == [0, 0, 1, 2, 3, 4]  # drawn again after the first Space
    assert polls[:8] == [0, 1, 1, 1, 2, 2, 2, 2]


def test_a_step_feels_the_keys_before_it() -> None:
    """While paused nothing is answered prefetched_frames: the next frame is answered with what was pressed."""
    controls, adapting = Controls(), list[bool]()

    def answering(stream: Iterable[Frame]) -> Iterator[FrameResult]:
        for each in answer(stream):
            adapting.append(controls.adapting)
            yield each

    window = Recorder(keys=[" ", None, "a", "n", None, "a", "n", None, "q"])
    play(session(pipeline=answering, displays={"window": window}, controls=controls))
    assert adapting == [True, True, False, True]


def test_the_next_answer_is_made_while_this_one_is_shown() -> None:
    """A sink waits until the frame after the one that it got is being answered."""
    begun = [threading.Event() for _ in range(4)]

    def answering(stream: Iterable[Frame]) -> Iterator[FrameResult]:
        for each in answer(stream):
            begun[each.frame.index].set()
            yield each

    class Patient(Recorder):
        def write(self, result: FrameResult) -> None:
            super().write(result)
            assert result.frame.index == 3 or begun[result.frame.index + 1].wait(5)
            assert result.frame.index > 1 or not begun[result.frame.index + 2].is_set()

    sink = Patient()
    play(session(4, pipeline=answering, sinks=[sink]))
    assert sink.seen == [0, 1, 2, 3]


def test_what_the_pipeline_tells_is_heard_between_the_frames() -> None:
    """Its events come to the main thread before the frame that they belong to, and after the one before."""
    journal = Recorder()
    order: list[object] = []
    event_queue = EventQueue(lambda kind, **facts: order.append((kind, facts["frame"], threading.current_thread())))
    journal.write = lambda result: order.append(result.frame.index)  # type: ignore[method-assign]

    def answering(stream: Iterable[Frame]) -> Iterator[FrameResult]:
        for each in answer(stream):
            event_queue("reset", frame=each.frame.index)
            yield each

    play(session(3, pipeline=answering, journal=journal, deliver=event_queue.deliver))
    main = threading.main_thread()
    assert order == [("reset", 0, main), 0, ("reset", 1, main), 1, ("reset", 2, main), 2]


def test_a_key_while_paused_is_drawn_at_once() -> None:
    """The window shows what the key changed without waiting for a frame."""
    window = Recorder(keys=[" ", None, "o", None, " "])
    play(session(3, displays={"window": window}))
    assert window.seen == [0, 0, 1, 1, 2]


def test_two_windows() -> None:
    """Each sees every result, and what a key in the other changed; the log hears where a key came from."""
    told: list[dict[str, Any]] = []
    first, second = Recorder([" ", None, None, None, "q"]), Recorder([None, None, "o"])
    windows = {"window": first, "web": second}
    outcome = play(session(displays=windows, emit=lambda kind, **facts: told.append({"kind": kind, **facts})))
    assert outcome.exit_code == 0
    assert first.seen == second.seen == [0, 0, 1, 1, 1]  # again after Space; the next, again after o and q
    assert [(fact["action"], fact["where"]) for fact in told if fact["kind"] == "key"] == [
        ("pause", "window"), ("overlay", "web"), ("quit", "window")
    ]  # fmt: skip
    assert (first.closed, second.closed) == (1, 1)


def test_snapshots() -> None:
    """The key s saves the result that is seen, and tells where."""
    told: list[tuple[str, dict[str, Any]]] = []
    window = Recorder(keys=[None, "s"])
    parts: dict[str, Any] = {"snapshot": lambda r: f"{r.frame.index}.png"}
    play(session(3, displays={"window": window}, emit=lambda kind, **facts: told.append((kind, facts)), **parts))
    assert ("snapshot", {"path": "1.png"}) in told


def test_a_signal_ends_a_pause() -> None:
    """A stop from outside is noticed while the run is paused, without a window too."""
    controls = Controls(paused=True)

    class Impatient(Recorder):
        def write(self, result: FrameResult) -> None:
            super().write(result)
            controls.stop(143)

    sink = Impatient()
    assert play(session(controls=controls, sinks=[sink])).exit_code == 143
    assert sink.seen == [0]


def test_runs_beside_each_other() -> None:
    """Each to its own end, in its own order; an error ends its own only; keys are heard while nothing comes."""
    controls = Controls()

    def silent(stream: Iterable[Frame]) -> Iterator[FrameResult]:
        yield from answer(list(stream)[:1])
        while not controls.stopped:
            threading.Event().wait(0.01)

    sinks = [Recorder() for _ in range(3)]
    quiet = session(
        pipeline=silent, sinks=sinks[:1], controls=controls, displays={"window": Recorder([None, None, "q"])}
    )
    outcomes = play_all([quiet, session(pipeline=lost, sinks=sinks[1:2]), session(7, sinks=sinks[2:])])
    assert [outcome.exit_code for outcome in outcomes] == [0, 4, 0]
    assert [sink.seen for sink in sinks] == [[0], [0, 1], [0, 1, 2, 3, 4, 5, 6]]
    assert [sink.closed for sink in sinks] == [1, 1, 1]


def test_a_bug_in_one_closes_the_files_of_all() -> None:
    """It goes on to the caller."""

    def broken(stream: Iterable[Frame]) -> Iterator[FrameResult]:
        yield from answer(list(stream)[:1])
        raise ZeroDivisionError

    journals = [Recorder(), Recorder()]
    with pytest.raises(ZeroDivisionError):
        play_all([session(200, journal=journals[0]), session(pipeline=broken, journal=journals[1])])
    assert [journal.closed for journal in journals] == [1, 1]


def lost(stream: Iterable[Frame]) -> Iterator[FrameResult]:
    """A stream that is lost after two frames."""
    for item in answer(stream):
        yield item
        if item.frame.index == 1:
            raise SourceLostError("camera was lost")


@pytest.mark.parametrize(
    ("parts", "code", "error"),
    [
        (lambda: {"pipeline": lost}, 4, "camera was lost"),
        (lambda: {"sinks": [Recorder(fail_at=2)]}, 7, "disk full"),
        (lambda: {"sinks": [Recorder(fail_closing=True)]}, 7, "not finished"),
    ],
)
def test_errors_end_in_good_order(parts: Callable[[], dict[str, Any]], code: int, error: str) -> None:
    """The exit code is that of the first error; everything is closed; the journal has the code."""
    journal, closed = Recorder(), []
    outcome = play(session(journal=journal, close=lambda: closed.append(True), **parts()))
    assert (outcome.exit_code, outcome.error) == (code, error)
    assert (journal.closed, closed) == (1, [True])
    assert journal.summaries[0]["exit_code"] == code


def test_a_last_word_that_cannot_be_written_closes_all_files_too() -> None:
    """Letting the source go tells what it still has to say, and a full disk may not take it."""

    def close() -> None:
        raise OutputError("disk full")

    journal, sink = Recorder(), Recorder()
    outcome = play(session(journal=journal, sinks=[sink], close=close))
    assert (outcome.exit_code, outcome.error) == (7, "disk full")
    assert (journal.closed, sink.closed) == (1, 1)


def test_internal_errors_close_all_files_too() -> None:
    """A bug goes on to the caller, after the files are closed."""

    def broken(stream: Iterable[Frame]) -> Iterator[FrameResult]:
        yield from answer(list(stream)[:1])
        raise ZeroDivisionError

    journal, sink = Recorder(), Recorder()
    with pytest.raises(ZeroDivisionError):
        play(session(pipeline=broken, journal=journal, sinks=[sink]))
    assert (journal.closed, sink.closed) == (1, 1)
    assert journal.summaries[0]["exit_code"] == 1


def test_no_frames() -> None:
    """An empty run has a summary of zeros and no figures."""
    summary = play(session(0)).summary
    assert (summary["frames"], summary["fps"], summary["accuracy"]) == (0, None, {"adapted": None, "frozen": None})
