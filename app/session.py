"""One run from its first frame to its last word: results to the sinks, an orderly end whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from app.ahead import Ahead
from app.controls import Controls
from app.errors import AppError
from app.redaction import redact
from app.summary import Summary
from app.types import Frame, FrameResult, Sink
from models.errors import ModelError

INTERNAL_ERROR = 1  # exit code
PAUSE_POLL_MS = 50


class Journal(Sink, Protocol):
    """A sink that also hears of events and of the end."""

    def event(self, kind: str, **facts: Any) -> None:
        """Something that happened beside the frames."""
        ...

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Takes the summary as its last line."""
        ...


class Window(Sink, Protocol):
    """A sink that hears keys."""

    def poll(self, wait_ms: int) -> str | None:
        """Paints, and returns a key pressed meanwhile."""
        ...


@dataclass(slots=True)
class Session:
    """All parts of a run, put together by `app.build`.

    Each result goes once to the windows, to `sinks` in order, and to the journal, which so knows what drawing took: all
    that on the main thread, while the pipeline makes the next result on another.
    """

    frames: Iterable[Frame]
    pipeline: Callable[[Iterable[Frame]], Iterator[FrameResult]]
    controls: Controls
    sinks: Sequence[Sink] = ()
    windows: Mapping[str, Window] = field(default_factory=dict)  # by the name that a key's event has
    journal: Journal | None = None
    summary: Summary = field(default_factory=Summary)
    snapshot: Callable[[FrameResult], object] | None = None
    tell: Callable[..., None] = lambda *_, **__: None
    deliver: Callable[[], None] = lambda: None  # tells of what other threads have heard of (`app.notices`)
    facts: Callable[[], Mapping[str, Any]] = dict  # what else belongs into the summary, asked at the end
    keep: Callable[[], None] = lambda: None  # saves what was learned
    close: Callable[[], None] = lambda: None  # lets the source go


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
    failures: list[AppError | ModelError] = []
    facts: dict[str, Any] = {}
    code = INTERNAL_ERROR
    try:
        _loop(session)
        code = session.controls.exit_code or 0
    except (AppError, ModelError) as error:
        failures.append(error)
        code = error.exit_code
    finally:
        _attempt(failures, session.close)
        _attempt(failures, session.keep)
        for sink in (*session.windows.values(), *session.sinks):
            _attempt(failures, sink.close)
        facts = {**session.summary.facts(), **session.facts(), **_end(code, failures)}
        if session.journal is not None:
            journal = session.journal
            _attempt(failures, lambda: journal.finish(facts))
            _attempt(failures, journal.close)
    end = _end(code, failures)
    return Outcome(end["exit_code"], {**facts, **end}, end.get("error"))


def _end(code: int, failures: Sequence[AppError | ModelError]) -> dict[str, Any]:
    """How the run ended, for the summary: by the first failure, if there was one."""
    return {"exit_code": failures[0].exit_code, "error": redact(str(failures[0]))} if failures else {"exit_code": code}


def _loop(session: Session) -> None:
    controls = session.controls
    answering = Ahead(session.pipeline(session.frames), "answers")
    answering.begin()
    try:
        latest: FrameResult | None = None
        while (answered := _taken(answering, session, latest)) is not None:
            controls.frame_done()
            if not (controls.paused or controls.stopped):
                answering.begin()
            latest = _show(session, answered)
            _listen(session, latest, wait_ms=0)
            while controls.paused and not (controls.stopped or answering.busy):  # what is under way is shown first
                _listen(session, latest, PAUSE_POLL_MS)
            if controls.stopped and not answering.busy:
                return
            answering.begin()
    except BaseException:
        controls.stop(INTERNAL_ERROR)  # what waits for a frame need not
        raise
    finally:
        answering.close()


def _taken(answering: Ahead[FrameResult], session: Session, latest: FrameResult | None) -> FrameResult | None:
    """The result under way, after all that was told before it; keys are heard meanwhile."""

    def meanwhile() -> None:
        session.deliver()
        if latest is not None:
            _listen(session, latest, wait_ms=0)

    try:
        return answering.take(meanwhile)
    finally:
        session.deliver()


def _show(session: Session, answered: FrameResult) -> FrameResult:
    """Hands a result to all that shows and keeps it; returns it with the time that this took."""
    began = time.perf_counter()
    for sink in (*session.windows.values(), *session.sinks):
        sink.write(answered)
    result = replace(answered, ms={**answered.ms, "draw": (time.perf_counter() - began) * 1000})
    session.summary.write(result)
    if session.journal is not None:
        session.journal.write(result)
    return result


def _listen(session: Session, result: FrameResult, wait_ms: int) -> None:
    """Serves the windows and takes a key of each; without any there are none, and a pause just passes."""
    if not session.windows:
        time.sleep(wait_ms / 1000)
    for name, window in session.windows.items():
        key = window.poll(wait_ms // len(session.windows))
        if key is not None:
            _press(session, result, key, name)


def _press(session: Session, result: FrameResult, key: str, where: str) -> None:
    action = session.controls.press(key)
    if action is None:
        return
    session.tell("key", key=key, action=action, where=where)
    if session.snapshot is not None and session.controls.take("snapshot"):
        session.tell("snapshot", path=str(session.snapshot(result)))
    if session.controls.paused:
        for window in session.windows.values():
            window.write(result)  # with what the key changed


def _attempt(failures: list[AppError | ModelError], act: Callable[[], None]) -> None:
    try:
        act()
    except AppError as error:
        failures.append(error)
