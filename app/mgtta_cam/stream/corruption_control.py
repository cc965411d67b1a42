"""Which corruption a frame gets: the schedule's, until a key overrides it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mgtta_cam.corruptions.schedule import Schedule, parse_corruption
from mgtta_cam.errors import UsageError
from mgtta_cam.stream.controls import Controls

Corruption = tuple[str, int] | None  # (name, severity 1..5); None is clean
STRONGEST = 5
COMMANDS = ("corruption", "weaker", "stronger")


def planned(corrupt: str | None, schedule: str | None) -> Schedule:
    """The plan of `--corrupt` or `--corrupt-schedule`; without them no frame is corrupted.

    Raises:
        UsageError: says what is wrong with the value.
    """
    try:
        if corrupt is not None:
            return Schedule.always(*parse_corruption(corrupt))
        return Schedule.load(schedule) if schedule is not None else Schedule()
    except ValueError as error:
        raise UsageError(f"{'--corrupt' if corrupt is not None else '--corrupt-schedule'}: {error}") from None


class Plan(Protocol):
    """A corruption for each frame index."""

    def at(self, index: int) -> Corruption:
        """For frame `index`."""
        ...


class CorruptionControl:
    """A plan that keys can change: `c` goes to the next corruption, `[` and `]` weaken and strengthen it.

    Args:
        plan: holds until the first such key.
        names: what `c` cycles through, after clean.
        controls: where keys arrive.
    """

    def __init__(self, plan: Plan, names: Sequence[str], controls: Controls) -> None:
        self._plan, self._round, self._controls = plan, (None, *names), controls
        self._by_hand = False
        self._name: str | None = None
        self._severity = STRONGEST

    @property
    def changed(self) -> bool:
        """Whether a key was pressed that has not affected a frame yet."""
        return self._controls.waiting(*COMMANDS)

    def at(self, index: int) -> Corruption:
        """The corruption of frame `index`, after all keys pressed so far."""
        if not self._by_hand and (planned := self._plan.at(index)) is not None:
            self._name, self._severity = planned
        elif not self._by_hand:
            self._name = None
        for command in self._controls.take(*COMMANDS):
            self._by_hand = True
            if command == "corruption":
                self._name = self._round[(self._round.index(self._name) + 1) % len(self._round)]
            else:
                change = 1 if command == "stronger" else -1
                self._severity = min(max(self._severity + change, 1), STRONGEST)
        return None if self._name is None else (self._name, self._severity)
