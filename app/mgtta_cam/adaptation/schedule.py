"""When frames become updates: every N frames, or as often as time allows."""

from __future__ import annotations

from dataclasses import dataclass

MAX_UPDATES = 8  # per window, where spare time decides
MEMORY_OF_COSTS = 0.8  # weight of earlier updates' durations in the estimate


@dataclass(frozen=True, slots=True)
class Window:
    """When frames become updates."""

    size: int = 64  # frames per update, at most
    stride: int = 1  # take every n-th frame, as neighbors show the same things
    every: int | None = None  # frames from one window to the next; None: windows do not overlap
    most_updates: int | None = None
    updates: int | None = 1  # per window, evenly spread over its frames; None: as many as spare time allows
    budget_ms: float | None = None  # mean time per frame for updates; None: unlimited

    def __post_init__(self) -> None:
        counts = (self.size, self.stride, *(n for n in (self.every, self.updates) if n is not None))
        if min(counts) < 1:
            raise ValueError(f"a window's size, stride, period and updates are 1 or more; got {self}")

    @property
    def period(self) -> int:
        """Frames from one window to the next."""
        return self.every or self.size * self.stride


class UpdateSchedule:
    """Decides when the next update is due.

    Each frame adds to a balance of time: the budget's milliseconds, or those that the loop waited for its source. An
    update is due when the balance covers its expected duration. One that took longer leaves a debt of one update at
    most.

    Args:
        window: how often updates happen, and their budget.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._saved_ms = 0.0
        self._cost_ms: float | None = None  # expected duration of an update; unknown before the first
        self.restart()

    def restart(self) -> None:
        """Starts the next window."""
        self._waiting = 0

    def frame(self, spare_ms: float) -> None:
        """Counts a frame that may be learned from; the loop waited `spare_ms` for it."""
        self._waiting += 1
        budget = self._window.budget_ms
        self._saved_ms = min(self._saved_ms + (spare_ms if budget is None else budget), self._cost_ms or 0.0)

    @property
    def due(self) -> bool:
        """Whether an update is due now."""
        window = self._window
        affordable = self._saved_ms >= (self._cost_ms or 0.0)
        if window.budget_ms is not None and not affordable:
            return False
        if window.updates is not None:
            return self._waiting * window.updates >= window.period
        early = affordable and self._cost_ms is not None and self._waiting * MAX_UPDATES >= window.period
        return early or self._waiting >= window.period

    def took(self, ms: float) -> None:
        """Accounts for an update of `ms` milliseconds."""
        self._saved_ms = max(self._saved_ms, 0.0) - ms
        before = ms if self._cost_ms is None else self._cost_ms
        self._cost_ms = MEMORY_OF_COSTS * before + (1 - MEMORY_OF_COSTS) * ms
