"""Small logs, made line by line, so that each figure of a report is known in advance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mgtta_cam.log.format import written

Record = dict[str, Any]
TENSORS = tuple(f"blocks.{i}.norm1.weight" for i in range(6))


def header(**facts: Any) -> Record:
    """The first line."""
    model = {"name": "tiny", "sha256": "5" * 64, "classes": 4, "classes_sha256": "6" * 64, "preprocess": {"size": 32}}
    known = {"schema": "mgtta-cam log", "time": "2026-01-02T03:04:05.678+00:00", "run": "0" * 32, "argv": ["mgtta-cam"]}
    known |= {
        "versions": {"torch": "2"},
        "configuration": {"adapt_batch": 4, "loop": 1},
        "seed": 0,
        "folder": "/nowhere",
    }
    known |= {
        "device": "cpu",
        "device_name": None,
        "threads": 1,
        "runtime": "torch",
        "deterministic": False,
        "matmul_precision": "highest",
    }
    known |= {
        "source": {"kind": "stream", "name": "cam"},
        "model": model,
        "method": "mgtta",
        "spec": "mgtta",
        "adapt": "inline",
    }
    return line("header", 0.0, **(known | {"learned_before": {}, "adapted": list(TENSORS)} | facts))


def line(kind: str, t: float, /, **facts: Any) -> Record:
    """Any line."""
    return {"v": 1, "t": t, "type": kind, **facts}


def frame(i: int, answer: str = "mug", frozen: str | None = None, truth: str | None = None, **facts: Any) -> Record:
    """The i-th classified frame, at i tenths of a second."""
    known: Record = {"i": i, "pts_ms": i * 100.0, "age_ms": None, "dropped_before": {}, "in": f"{i:016x}", "corr": None}
    known |= {"updates": 0, "top": [[answer, 0.75]], "H": 0.5, "out": "0" * 16, "ms": {"infer": 8.0}}
    known |= {"frozen_top": [[frozen, 0.25]]} if frozen is not None else {}
    known |= {"truth": truth, "ok": answer == truth} if truth is not None else {}
    return line("frame", i / 10, **(known | facts))


def update(n: int, moved: list[float] | None = None, skipped: str | None = None, **facts: Any) -> Record:
    """The n-th update; its sketches are its distances."""
    known: Record = {"n": n, "frames": [0, 1, 2, 3], "loss": {"entropy": 1.0 / n}, "gnorm": 2.0, "unorm": 0.1}
    known |= {"dnorm": 0.5, "lr": 0.001, "ess": 3.0, "params": f"{n:016x}", "ms": 20.0, "skipped": skipped}
    if moved is not None:
        known["tensors"] = {"digests": "0000" * len(moved), "moved": moved, "sketch": moved}
    return line("update", n * 1.0, **(known | {"chain": "0" * 16} | facts))


def event(t: float, kind: str, **facts: Any) -> Record:
    """An event line."""
    return line("event", t, kind=kind, **facts)


def stats(t: float, **facts: Any) -> Record:
    """A stats line, written each second."""
    known: Record = {"fps": {"in": 10.0, "out": 10.0, "adapted": 4.0}, "dropped": {}, "memory_mb": 100.0}
    known["ms"] = {"infer": {"p50": 8.0, "p95": 9.0, "p99": 12.0}}
    return line("stats", t, **(known | {"written": "0" * 16} | facts))


def summary(t: float, **facts: Any) -> Record:
    """The last line."""
    none = {"p50": None, "p95": None, "p99": None}
    known: Record = {"frames": 0, "seconds": t, "fps": None, "updates": 0, "updates_skipped": 0, "dropped": {}}
    known |= {"refused": {}, "latency_ms": none, "age_ms": none, "accuracy": {"adapted": None, "frozen": None}}
    known |= {"by_corruption": [], "exit_code": 0, "chain": "0" * 16, "written": "0" * 16}
    known |= {"source": {}, "model": {}, "method": "mgtta", "spec": "mgtta", "adapt": "inline", "device": "cpu"}
    known |= {"agreement": known["accuracy"], "verdict": None, "estimate": {"adapted": None, "frozen": None}}
    return line("summary", t, **(known | facts))


def write(path: Path, *records: Record, torn: str = "") -> Path:
    """Write a log of these lines, sealed as the program seals them, optionally with the beginning of another line."""
    digest, text = written(), ""
    for record in records:
        sealed = {**record, "written": digest.hexdigest()} if "written" in record else record
        line = json.dumps(sealed) + "\n"
        digest.update(line.encode())
        text += line
    path.write_text(text + torn, encoding="utf-8")
    return path


def labeled(path: Path, frames: int = 100) -> Path:
    """A complete log: the first half is clean, then noise begins; adapting fixes every prediction under noise."""
    noise = {"name": "shot_noise", "severity": 5}
    records: list[Record] = [header(), event(0.0, "open", source={"kind": "stream", "name": "cam"})]
    for i in range(frames):
        bad = i >= frames // 2
        answers = ("mug", "hat" if bad else "mug", "mug")
        records.append(frame(i, *answers, corr=noise if bad else None, age_ms=20.0 + i % 10))
        if i % 10 == 9:
            records += [update(i // 10 + 1, [0.1 * k * (i + 1) for k in range(1, 7)]), stats(i / 10)]
    return write(path, *records, summary(frames / 10))
