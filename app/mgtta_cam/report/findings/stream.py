"""Findings on the stream: how the run ended, what was lost, how long an answer took."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from mgtta_cam.report.columns import number
from mgtta_cam.report.run import Run
from mgtta_cam.report.series import percentile
from mgtta_cam.report.words import Finding, count, listed, milliseconds, percent, plain, span, times

GOOD_ENDS = (0, 130, 143)
ON_PURPOSE = ("stride",)  # causes of drops that somebody asked for
SHORTENING = (
    "max_frames",
    "start",
    "duration",
    "max_fps",
)  # settings by which fewer or more frames are read than promised
DROPS = {
    "slot": "as a newer one was there",
    "stale": "as too old",
    "corrupt": "as damaged",
    "outage": "in an outage",
}


def ended(run: Run) -> Iterator[Finding]:
    """A run that was cut short."""
    if run.summary is None:
        yield Finding("bad", "The log has no summary: the run was killed, or is not over. This is what was written.")
    elif (code := run.summary.get("exit_code")) not in GOOD_ENDS or run.summary.get("error"):
        error = plain(run.summary.get("error") or "no reason given", 300)
        yield Finding("bad", f"It ended with exit code {plain(code)}: {error}")


def lost(run: Run) -> Iterator[Finding]:
    """A live source that was away."""
    losses = sum(event.kind == "lost" for event in run.events)
    backs = [number(event.facts.get("after_s")) for event in run.events if event.kind == "reconnect"]
    away = sum(s for s in backs if math.isfinite(s))
    if losses or backs:
        whole = f", {span(away)} in all" if backs else ""
        back = (
            "" if len(backs) >= losses else f"; it came back {times(len(backs))}" if backs else "; it did not come back"
        )
        yield Finding("bad", f"The stream was lost {times(losses or len(backs))}{whole}{back}.")
    if stalls := sum(event.kind == "stall" for event in run.events):
        yield Finding("bad", f"No frame came in time {times(stalls)} (stalls).")


def drops(run: Run) -> Iterator[Finding]:
    """Frames that were not answered."""
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
    promised, delivered = (
        (number(facts.get(k)) for k in ("promised", "delivered")) if isinstance(facts, dict) else (0, 0)
    )
    shortened = any(run.part("configuration").get(name) for name in SHORTENING)
    if delivered < promised and not shortened and (run.summary or {}).get("exit_code") == 0:
        yield Finding(
            "note", f"The source promised {count(promised, 'frame')} and {count(delivered)} of them were read."
        )


def refused(run: Run) -> Iterator[Finding]:
    """Frames that were answered, but not learned from."""
    if run.rejected:
        reasons = [f"{count(n)} {why}" for why, n in sorted(run.rejected.items(), key=lambda item: -item[1])[:4]]
        total = sum(run.rejected.values())
        yield Finding("note", f"{count(total, 'frame')} could not teach, by what they showed: {listed(reasons)}.")


def latency(run: Run) -> Iterator[Finding]:
    """How long it took."""
    age, infer = run.frames.age_ms, run.frames.infer_ms
    if np.isfinite(age).any():
        p50, p99 = (milliseconds(percentile(age, q)) for q in (50, 99))
        yield Finding("note", f"Frames were {p50} old when shown (median); p99 of frame age is {p99}.")
    elif np.isfinite(infer).any():
        p50, p99 = (milliseconds(percentile(infer, q)) for q in (50, 99))
        yield Finding("note", f"The model took {p50} for an answer (median), {p99} at p99.")


def altered(run: Run) -> Iterator[Finding]:
    """What was changed in the log since."""
    if run.damage is not None:
        yield Finding("bad", f"The log was changed after the run: {run.damage}.")


CHECKS = (altered, lost, drops, refused, latency)
