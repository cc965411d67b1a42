"""Delays between attempts to reopen a lost source."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential delays with random jitter.

    The jitter keeps a hundred cameras from reconnecting to a server all at once.

    Raises:
        ValueError: unless 0 < first_s <= longest_s and attempts >= 0.
    """

    attempts: int = 0  # consecutive failures before giving up; 0 never gives up
    first_s: float = 1.0
    longest_s: float = 30.0

    def __post_init__(self) -> None:
        if not 0 < self.first_s <= self.longest_s or self.attempts < 0:
            raise ValueError(f"expected 0 < first_s <= longest_s and attempts >= 0; got {self}")

    def waits(self, chance: random.Random) -> Iterator[float]:
        """Yields the seconds before each attempt: 50 to 100 % of first_s, 2 first_s, 4 first_s, ..., longest_s."""
        for attempt in range(self.attempts) if self.attempts else count():
            whole = min(self.longest_s, self.first_s * 2 ** min(attempt, 60))
            yield whole * chance.uniform(0.5, 1.0)
