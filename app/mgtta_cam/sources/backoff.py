"""How long to wait before a lost source is opened again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from one attempt to the next, each shortened by chance.

    The chance keeps a hundred cameras from knocking at a server all at once when it is back.

    Raises:
        ValueError: if the waits are not 0 < first <= longest, or attempts are negative.
    """

    attempts: int = 0  # in a row without a frame; 0 for ever
    first_s: float = 1.0
    longest_s: float = 30.0

    def __post_init__(self) -> None:
        if not 0 < self.first_s <= self.longest_s or self.attempts < 0:
            raise ValueError(f"expected 0 < first wait <= longest wait, and attempts of 0 or more; got {self}")

    def waits(self, chance: random.Random) -> Iterator[float]:
        """Seconds before each attempt: between half and all of first, 2 first, 4 first, ... longest."""
        for attempt in range(self.attempts) if self.attempts else count():
            whole = min(self.longest_s, self.first_s * 2 ** min(attempt, 60))
            yield whole * chance.uniform(0.5, 1.0)
