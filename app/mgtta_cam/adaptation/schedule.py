"""When frames become updates: each so many, as the time allows."""

from __future__ import annotations

from dataclasses import dataclass

MOST_UPDATES = 8  # a window, where spare time decides
MEMORY_OF_COSTS = 0.8  # weight of what updates took before the latest


@dataclass(frozen=True, slots=True)
class Window:
    """When frames become updates."""

    size: int = 64  # frames an update, at most
    stride: int = 1  # of which it takes every n-th: neighbors show the same things
    every: int | None = None  # a window each so many frames; None: each frame taken belongs to one
    most_updates: int | None = None
    updates: int | None = 1  # updates a window, evenly spread over its frames; None: as many as spare time allows
    budget_ms: float | None = None  # a frame, that updates may take in the mean; None: what they take

    def __post_init__(self) -> None:
        counts = (self.size, self.stride, *(n for n in (self.every, self.updates) if n is not None))
        if min(counts) < 1:
            raise ValueError(f"a window takes 1 frame or more, each 1 or more, and teaches each 1 or more; got {self}")

    @property
    def period(self) -> int:
        """Frames from one window to the next."""
        return self.every or self.size * self.stride


class UpdateSchedule:
    """Says when the next update is due.

    Time is saved up, frame by frame, until it is worth an update: the milliseconds of a budget, or those that the loop
    waited for its source. An update that took longer leaves a debt: that of one update, however many were due anyway.

    Args:
        window: how often, and within which budget.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._saved_ms = 0.0
        self._cost_ms: float | None = None  # of an update; not known before the first
        self.restart()

    def restart(self) -> None:
        """Begins a window."""
        self._waiting = 0

    def frame(self, spare_ms: float) -> None:
        """Counts a frame that may teach, before which the loop waited so long."""
        self._waiting += 1
        budget = self._window.budget_ms
        self._saved_ms = min(self._saved_ms + (spare_ms if budget is None else budget), self._cost_ms or 0.0)

    @property
    def due(self) -> bool:
        """Whether it is time."""
        window = self._window
        affordable = self._saved_ms >= (self._cost_ms or 0.0)
        if window.budget_ms is not None and not affordable:
            return False
        if window.updates is not None:
            return self._waiting * window.updates >= window.period
        early = affordable and self._cost_ms is not None and self._waiting * MOST_UPDATES >= window.period
        return early or self._waiting >= window.period

    def took(self, ms: float) -> None:
        """Pays for an update."""
        self._saved_ms = max(self._saved_ms, 0.0) - ms
        before = ms if self._cost_ms is None else self._cost_ms
        self._cost_ms = MEMORY_OF_COSTS * before + (1 - MEMORY_OF_COSTS) * ms
