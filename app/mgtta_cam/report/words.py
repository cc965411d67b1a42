"""Format numbers with units, times, counts, and untrusted text for the report."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

NONE = "–"  # for unknown values
MAX_NAME = 120  # characters of a name from a log


class Finding(NamedTuple):
    """A sentence that the log supports, with its mark: good, bad or note."""

    mark: Literal["good", "bad", "note"]
    text: str


def plain(value: object, most: int = MAX_NAME) -> str:
    """Any value as one line of at most `most` printable characters. Markup is kept: it is escaped later."""
    text = str(value)[: 4 * most]
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def percent(share: float) -> str:
    """0.689 -> 68.9 %."""
    return f"{100 * share:.1f} %"


def points(difference: float) -> str:
    """0.391 -> +39.1."""
    return f"{100 * difference:+.1f}".replace("-", "−") if abs(difference) >= 0.0005 else "±0.0"


def count(n: float, noun: str = "", nouns: str | None = None) -> str:
    """2201, frame -> 2,201 frames."""
    number = f"{int(n):,}"
    return f"{number} {noun if n == 1 else nouns or noun + 's'}" if noun else number


def times(n: int) -> str:
    """1 -> once."""
    return {1: "once", 2: "twice"}.get(n, f"{n:,} times")


def span(seconds: float) -> str:
    """14.23 -> 14.2 s; 185 -> 3 min 5 s; 3720 -> 1 h 2 min."""
    if not math.isfinite(seconds):
        return NONE
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    return f"{hours:,} h {left} min" if hours else f"{minutes} min {rest} s"


def milliseconds(ms: float) -> str:
    """41.3 -> 41 ms; 8.26 -> 8.3 ms; 2310 -> 2.3 s."""
    if not math.isfinite(ms):
        return NONE
    return span(ms / 1000) if ms >= 1000 else f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1f} ms"


def listed(words: list[str]) -> str:
    """[a, b, c] -> a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
