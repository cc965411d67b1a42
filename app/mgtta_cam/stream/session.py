"""A run from its first frame to its summary: results go to the sinks, and the end is orderly whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from mgtta_cam.errors import AppError
from mgtta_cam.events import EventHandler, ignore
from mgtta_cam.metrics.summary import Summary
from mgtta_cam.redaction import redact
from mgtta_cam.stream.controls import Controls
from mgtta_cam.stream.prefetch import POLL_SECONDS, Prefetch
from mgtta_cam.types import Frame, FrameResult, Sink
from mgtta_models.errors import ModelError

INTERNAL_ERROR = 1  # exit code
PAUSE_POLL_MS = 50


class Journal(Sink, Protocol):
    """A sink that also takes events and the summary."""

    def event(self, kind: str, **facts: Any) -> None:
        """Takes an event."""
        ...

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Takes the summary as its last line."""
        ...


class Display(Sink, Protocol):
    """A sink that reads keys."""

    def poll(self, wait_ms: int) -> str | None:
        """Updates the picture, and returns a key pressed meanwhile."""
        ...


@dataclass(slots=True)
class Session:
    """All parts of a run, as `mgtta_cam.assembly` assembles them.

    Each result goes once to the displays, to `sinks` in order, and to the journal, which therefore knows how long
    drawing took. That happens on the main thread, while the pipeline makes the next result on another.
    """

    frames: Iterable[Frame]
    pipeline: Callable[[Iterable[Frame]], Iterator[FrameResult]]
    controls: Controls
    sinks: Sequence[Sink] = ()
    displays: Mapping[str, Display] = field(default_factory=dict)  # by the name that a key's event has
    journal: Journal | None = None
    summary: Summary = field(default_factory=Summary)
    snapshot: Callable[[FrameResult], object] | None = None
    emit: EventHandler = ignore
    deliver: Callable[[], None] = lambda: None  # hands on events of other threads (`mgtta_cam.events.EventQueue`)
    facts: Callable[[], Mapping[str, Any]] = dict  # further facts of the summary, read at the end
    save_state: Callable[[], None] = lambda: None  # saves what was learned, where `--state` asks for it
    save_state_to: Callable[[Path], None] = lambda _: None  # saves what was learned so far
    close: Callable[[], None] = lambda: None  # closes the source and ends threads


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    exit_code: int
    summary: Mapping[str, Any]
    error: str | None = None  # one line, where it did not end well


def play(session: Session) -> Outcome:
    """Runs a session to its end: end of the source, a limit, a key, a signal, or an error outside this program.

    All files are closed properly in each case, and after an internal error too, which goes on to the caller.
    """
    return play_all([session])[0]


def play_all(sessions: Sequence[Session]) -> list[Outcome]:
    """Runs sessions side by side, each to its own end; each shows its results on this thread, in turns."""
    runs = [Running(session) for session in sessions]
    outcomes: dict[Running, Outcome] = {}
    under_way = list(runs)
    try:
        while under_way:
            if len(under_way) == 1:
                ready = set(under_way)
            else:
                wait([run.coming for run in under_way], POLL_SECONDS, FIRST_COMPLETED)
                ready = {run for run in under_way if run.coming.done()}
            for run in tuple(under_way):
                if run in ready:
                    run.turn()
                elif not ready:
                    run.meanwhile()
                if run.ended:
                    under_way.remove(run)
                    outcomes[run] = run.finish()
    finally:
        for run in under_way:
            run.finish()
    return [outcomes[run] for run in runs]


class Running:
    """A session under way: while a result is shown on this thread, the next is made on another.

    Args:
        session: not begun.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._results = Prefetch(session.pipeline(session.frames), "results")
        self._results.begin()
        self.latest: FrameResult | None = None
        self.ended = False  # no further result comes
        self.failures: list[AppError | ModelError] = []
        self._code = INTERNAL_ERROR

    @property
    def coming(self) -> Future[Any]:
        """The result under way."""
        return self._results.coming

    def settle(self) -> None:
        """Waits until no result is being made; the one that was is not taken."""
        if self._results.busy:
            wait([self.coming])

    def turn(self) -> FrameResult | None:
        """Waits for the next result and hands it on; then reads keys for as long as the run is paused.

        Returns:
            The result; None at the end, and after an error outside this program.
        """
        if self.ended:
            return None
        try:
            return self._turn()
        except (AppError, ModelError) as error:
            self.failures.append(error)
            self.ended, self._code = True, error.exit_code
            return None
        except BaseException:
            self.ended = True  # with the code of an internal error
            raise

    def _turn(self) -> FrameResult | None:
        session, controls, results = self._session, self._session.controls, self._results
        result = self._taken()
        if result is None:
            return self._end()
        controls.frame_done()
        if not (controls.paused or controls.stopped):
            results.begin()
        self.latest = _show(session, result)
        self._listen(wait_ms=0)
        while controls.paused and not (controls.stopped or results.busy):  # what is under way is shown first
            self._listen(PAUSE_POLL_MS)
        if controls.stopped and not results.busy:
            self._end()
        else:
            results.begin()
        return self.latest

    def _end(self) -> None:
        self.ended, self._code = True, self._session.controls.exit_code or 0

    def _taken(self) -> FrameResult | None:
        """The result under way, after all events before it."""
        try:
            return self._results.take(self.meanwhile)
        finally:
            self._session.deliver()

    def meanwhile(self) -> None:
        """Delivers events and reads keys, while no result is ready."""
        self._session.deliver()
        self._listen(wait_ms=0)

    def _listen(self, wait_ms: int) -> None:
        if self.latest is not None:
            _listen(self._session, self.latest, wait_ms)

    def finish(self) -> Outcome:
        """Closes all files, and says how the run ended."""
        session, failures = self._session, self.failures
        code = self._code if self.ended else session.controls.exit_code
        code = INTERNAL_ERROR if code is None else code
        session.controls.stop(code)  # what waits for a frame need not
        _attempt(failures, self._results.close)
        _attempt(failures, session.close)
        _attempt(failures, session.save_state)
        for sink in (*session.displays.values(), *session.sinks):
            _attempt(failures, sink.close)
        facts = {**session.summary.facts(), **session.facts(), **_ending(code, failures)}
        if session.journal is not None:
            journal = session.journal
            _attempt(failures, lambda: journal.finish(facts))
            _attempt(failures, journal.close)
        end = _ending(code, failures)
        return Outcome(end["exit_code"], {**facts, **end}, end.get("error"))


def _ending(code: int, failures: Sequence[AppError | ModelError]) -> dict[str, Any]:
    """How the run ended, for the summary: by the first failure, if there was one."""
    return {"exit_code": failures[0].exit_code, "error": redact(str(failures[0]))} if failures else {"exit_code": code}


def _show(session: Session, answered: FrameResult) -> FrameResult:
    """Hands a result to displays, sinks and journal; returns it with the time that drawing took."""
    began = time.perf_counter()
    for sink in (*session.displays.values(), *session.sinks):
        sink.write(answered)
    result = replace(answered, ms={**answered.ms, "draw": (time.perf_counter() - began) * 1000})
    session.summary.write(result)
    if session.journal is not None:
        session.journal.write(result)
    return result


def _listen(session: Session, result: FrameResult, wait_ms: int) -> None:
    """Updates the displays and handles a key of each; without displays it just waits."""
    if not session.displays:
        time.sleep(wait_ms / 1000)
    for name, display in session.displays.items():
        key = display.poll(wait_ms // len(session.displays))
        if key is not None:
            _press(session, result, key, name)


def _press(session: Session, result: FrameResult, key: str, where: str) -> None:
    action = session.controls.press(key)
    if action is None:
        return
    session.emit("key", key=key, action=action, where=where)
    if session.snapshot is not None and session.controls.take("snapshot"):
        session.emit("snapshot", path=str(session.snapshot(result)))
    if session.controls.paused:
        for display in session.displays.values():
            display.write(result)  # with what the key changed


def _attempt(failures: list[AppError | ModelError], act: Callable[[], None]) -> None:
    try:
        act()
    except (AppError, ModelError) as error:
        failures.append(error)
