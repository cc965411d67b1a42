"""`mgtta_cam.replay`: a log run again and compared."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mgtta_cam.errors import OutputError
from mgtta_cam.events import EventHandler, ignore


def replay(
    log: str | os.PathLike[str],
    *,
    tolerance: float | None = None,
    recording: str | os.PathLike[str] | None = None,
    on_event: EventHandler = ignore,
    **settings: Any,
) -> Mapping[str, Any]:
    """Runs a log again and compares each line, as `mgtta-cam replay` does.

    Args:
        log: a file that `log=` wrote, .jsonl or .jsonl.gz.
        tolerance: by how much numbers may differ; None: to the bit.
        recording: the `record_input` of the run, if it lies elsewhere now.
        on_event: gets events.
        settings: where files lie now (`source`, `weights`, `stats`, ...), and `state`.

    Returns:
        The summary of the run, and under `replay`: `equal`, `frames_compared`, `updates_compared`, `difference`.

    Raises:
        AppError, ModelError: with one line each.
    """
    from mgtta_cam.assembly.replay import Check, assemble_replay
    from mgtta_cam.replay.settings import of_log
    from mgtta_cam.replay.tape import scan
    from mgtta_cam.replay.verify import verdict_of
    from mgtta_cam.stream.session import play

    tape = scan(Path(log))
    chosen = of_log(tape, {"show": False, **settings})
    where = None if recording is None else Path(recording)
    session, comparison = assemble_replay(tape, chosen, where, Check(tolerance), emit=on_event)
    outcome = play(session)
    if outcome.exit_code:
        raise OutputError(outcome.error or f"the replay ended with {outcome.exit_code}")
    return {**outcome.summary, "replay": verdict_of(tape, comparison)}
