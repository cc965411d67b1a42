"""Findings on the stream: how the run ended, what was lost, and latency."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from mgtta_cam.report.columns import number
from mgtta_cam.report.run import Run
from mgtta_cam.report.series import percentile
from mgtta_cam.report.words import Finding, count, listed, milliseconds, percent, plain, span, times

GOOD_ENDS = (0, 130, 143)
ON_PURPOSE = ("stride",)  # causes of drops that the user asked for
SHORTENING = (
    "max_frames",
    "start",
    "duration",
    "max_fps",
)  # settings that change how many of the announced frames are read
DROPS = {
    "slot": "because a newer one was available",
    "stale": "because they were too old",
    "corrupt": "because they were damaged",
    "outage": "during an outage",
}


def ended(run: Run) -> Iterator[Finding]:
    """Whether the run was cut short."""
    if run.summary is None:
        missing = "The log has no summary: the run was killed or is still running."
        yield Finding("bad", f"{missing} This report covers what was written.")
    elif (code := run.summary.get("exit_code")) not in GOOD_ENDS or run.summary.get("error"):
        error = plain(run.summary.get("error") or "no reason given", 300)
        yield Finding("bad", f"The run ended with exit code {plain(code)}: {error}")


def lost(run: Run) -> Iterator[Finding]:
    """Outages and stalls of a live source."""
    losses = sum(event.kind == "lost" for event in run.events)
    backs = [number(event.facts.get("after_s")) for event in run.events if event.kind == "reconnect"]
    away = sum(s for s in backs if math.isfinite(s))
    if losses or backs:
        whole = f", for {span(away)} in total" if backs else ""
        back = (
            "" if len(backs) >= losses else f"; it came back {times(len(backs))}" if backs else "; it did not come back"
        )
        yield Finding("bad", f"The stream was lost {times(losses or len(backs))}{whole}{back}.")
    if stalls := sum(event.kind == "stall" for event in run.events):
        yield Finding("bad", f"The stream stalled {times(stalls)}.")


def drops(run: Run) -> Iterator[Finding]:
    """Frames that were dropped or never read."""
    own = {cause: n for cause, n in run.dropped.items() if cause not in ON_PURPOSE and n > 0}
    dropped, answered = sum(own.values()), len(run.frames)
    if dropped:
        worst = max(own, key=lambda cause: own[cause])
        part = dropped / (dropped + answered)
        most = "all" if len(own) == 1 else "most"
        yield Finding(
            "bad" if part > 0.01 else "note",
            f"{percent(part)} of frames were dropped ({count(dropped)}), {most} {DROPS.get(worst, 'by ' + worst)}.",
        )
    facts = (run.summary or {}).get("source")
    announced, delivered = (
        (number(facts.get(k)) for k in ("promised", "delivered")) if isinstance(facts, dict) else (0, 0)
    )
    shortened = any(run.part("configuration").get(name) for name in SHORTENING)
    if delivered < announced and not shortened and (run.summary or {}).get("exit_code") == 0:
        yield Finding(
            "note", f"The source announced {count(announced, 'frame')}, and {count(delivered)} of them were read."
        )


def rejected(run: Run) -> Iterator[Finding]:
    """Frames that were classified but not used for adaptation."""
    if run.rejected:
        reasons = [f"{count(n)} {why}" for why, n in sorted(run.rejected.items(), key=lambda item: -item[1])[:4]]
        total = sum(run.rejected.values())
        yield Finding("note", f"Adaptation rejected {count(total, 'frame')}: {listed(reasons)}.")


def latency(run: Run) -> Iterator[Finding]:
    """Frame age, or inference time for files."""
    age, infer = run.frames.age_ms, run.frames.infer_ms
    if np.isfinite(age).any():
        p50, p99 = (milliseconds(percentile(age, q)) for q in (50, 99))
        yield Finding("note", f"The median frame age when shown was {p50}, p99 {p99}.")
    elif np.isfinite(infer).any():
        p50, p99 = (milliseconds(percentile(infer, q)) for q in (50, 99))
        yield Finding("note", f"The median inference time was {p50}, p99 {p99}.")


def altered(run: Run) -> Iterator[Finding]:
    """Whether the log was changed after the run."""
    if run.damage is not None:
        yield Finding("bad", f"The log was changed after the run: {run.damage}.")


CHECKS = (altered, lost, drops, rejected, latency)
