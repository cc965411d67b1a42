"""The log's records of frames and updates, made from results."""

from __future__ import annotations

from collections.abc import Sequence

from mgtta_cam.digests import digest
from mgtta_cam.log.format import Record, significant
from mgtta_cam.metrics.predictions import entropy, top
from mgtta_cam.types import FrameResult, Update

LEAST_MS = 0.5  # shorter times are left out of `frame` records; `stats` includes all
ALARMS = {"entropy": "doubt"}  # alarms that the log's keys, which must not change, call by an older name


def frame_record(result: FrameResult, classes: Sequence[str], topk: int, age_s: float | None) -> Record:
    """Makes the record of one classified frame; `age_s` is its age in seconds when it is written."""
    frame, frozen = result.frame, result.frozen_logits
    record: Record = {
        "i": frame.index,
        "pts_ms": round(frame.seconds * 1000, 1),
        "age_ms": None if age_s is None else round(age_s * 1000, 1),
        "dropped_before": dict(frame.dropped),
        "in": result.digest,
        "corr": None if frame.corruption is None else dict(zip(("name", "severity"), frame.corruption, strict=True)),
        "updates": result.updates,
        "top": top(result.logits, classes, topk),
        "H": round(entropy(result.logits), 3),
        "out": digest(result.logits),
        "ms": {name: round(value, 1) for name, value in result.ms.items() if value >= LEAST_MS},
    }
    if frame.rejected:
        record["refused"] = frame.rejected
    if frame.cut:
        record["cut"] = True
    if frame.connection:
        record["connection"] = frame.connection
    if frozen is not None:
        record["frozen_top"] = top(frozen, classes, 1)
    if frame.label is not None:
        record["truth"] = classes[frame.label]
        record["ok"] = result.top1 == frame.label
    if result.teacher is not None:
        record["teacher_agree"] = result.top1 == result.teacher
        if result.frozen_top1 is not None:
            record["frozen_agree"] = result.frozen_top1 == result.teacher
    return record


def update_record(update: Update) -> Record:
    """Makes the record of one update."""
    stats = dict(update.stats)
    known = {"gnorm": "gradient_norm", "unorm": "update_norm", "dnorm": "distance", "lr": "lr", "ess": "effective_size"}
    losses = {name: value for name, value in stats.items() if name not in known.values()}
    losses |= {f"guard_{ALARMS.get(kind, kind)}": nats for kind, nats in update.alarms.items()}
    record: Record = {
        "n": update.number,
        "frames": list(update.frames),
        "loss": {name: significant(value) for name, value in losses.items()},
        **{short: significant(stats.get(name)) for short, name in known.items()},
        "params": update.digest,
        "ms": round(update.ms, 1),
        "skipped": update.skipped,
    }
    if update.skipped is None and update.traces is not None:
        record["tensors"] = update.traces._asdict()
    return record
