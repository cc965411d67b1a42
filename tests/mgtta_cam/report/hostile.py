"""A log in which every string tries to be markup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.mgtta_cam.report.logs import Record, event, frame, header, stats, summary, update, write

ATTACKS = (
    "<script>window.hacked=1</script>",
    "\"><img src=x onerror='window.hacked=1'>",
    "</style></title><svg onload=window.hacked=1>",
    "--><iframe src='javascript:window.hacked=1'></iframe>",
    "$\\frac{1}{$ & 'q' `b` \u202e \ud800 \x00 \n 日本 #1d2430",
    "http://127.0.0.1:9/" + "x" * 500,
)


def evil(value: Any, at: int = 0) -> Any:
    """The same, with an attack in the place of each string but times and digests."""
    if isinstance(value, str):
        return ATTACKS[(at + len(value)) % len(ATTACKS)]
    if isinstance(value, list):
        return [evil(item, at + i) for i, item in enumerate(value)]
    if isinstance(value, dict):
        return {evil(key, at + i): evil(item, at + i) for i, (key, item) in enumerate(value.items())}
    return value


def write_hostile(path: Path) -> Path:
    """A log with an attack in every string: classes, tensors, events, settings, versions, source, error."""
    top = header()
    configuration = {"source": ATTACKS[0], ATTACKS[1]: ATTACKS[2], "record_input": ATTACKS[5], "method": [ATTACKS[3]]}
    top |= {"configuration": configuration, "versions": evil({"torch": "2"}), "source": {"kind": ATTACKS[0]}}
    top["source"] |= {"name": ATTACKS[1], "width": ATTACKS[2], "height": ATTACKS[3], "digest": ATTACKS[4]}
    top |= {"model": {"name": ATTACKS[2], "classes": ATTACKS[0], "sha256": ATTACKS[1]}, "argv": list(ATTACKS)}
    top |= {"time": ATTACKS[0], "spec": ATTACKS[2], "device_name": ATTACKS[1], "threads": ATTACKS[0], "run": ATTACKS[3]}
    top |= {"adapted": list(ATTACKS), "learned_before": evil({"generator": "1"}), "folder": ATTACKS[4]}
    records: list[Record] = [top]
    for i in range(60):
        names = [ATTACKS[(i + k) % len(ATTACKS)] for k in range(3)]
        corr = {"name": ATTACKS[i // 20], "severity": 5}
        records.append(frame(i, *names, corr=corr, refused=ATTACKS[i % 6], dropped_before={ATTACKS[i % 6]: 1}))
        records += [update(i + 1, [0.1 * i] * 6, loss=dict.fromkeys(ATTACKS, 1.0))] if i % 2 else []
        records += [update(i + 1, skipped=ATTACKS[i % 6])] if i % 5 == 0 else []
    records += [event(i, name, reasons=name, **{name: name}) for i, name in enumerate((*ATTACKS, "rollback", "lost"))]
    bad = {name: {"p50": 1.0, "p95": 1.0, "p99": 1.0} for name in ATTACKS}
    records.append(stats(6.0, ms=bad, dropped=dict.fromkeys(ATTACKS, 3), fps=dict.fromkeys(ATTACKS, 1.0)))
    return write(path, *records, summary(7.0, error=ATTACKS[1], exit_code=ATTACKS[0], source=ATTACKS[2]))
