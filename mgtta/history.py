"""Snapshots from before each of the latest updates, so that an update can be undone."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from torch import Tensor

from mgtta.types import Method

CAPACITY = 8  # updates that can be undone
MOST_BYTES = 2**28  # of one method's state: beyond, as with all weights of a ViT-B, nothing is kept


class Snapshot(NamedTuple):
    """All that a method had learned: parameters and state together, or the memory would be of another trajectory."""

    updates: int
    state: dict[str, Tensor]


class History:
    """A ring of snapshots.

    Args:
        capacity: number of snapshots; the oldest leaves.
        most_bytes: size of a snapshot; the updates of a method that learns more cannot be undone.
    """

    def __init__(self, capacity: int = CAPACITY, most_bytes: int = MOST_BYTES) -> None:
        self._ring: deque[Snapshot] = deque(maxlen=capacity)
        self._most_bytes, self._too_large = most_bytes, False

    def snapshot(self, method: Method, updates: int) -> Snapshot | None:
        """What the method has learned by this number of updates; None, from then on, if that is too large."""
        if self._too_large:
            return None
        state = method.state_dict()
        self._too_large = sum(tensor.numel() * tensor.element_size() for tensor in state.values()) > self._most_bytes
        return None if self._too_large else Snapshot(updates, state)

    def take(self, method: Method, updates: int) -> None:
        """Keeps a snapshot in the ring."""
        if (snapshot := self.snapshot(method, updates)) is not None:
            self._ring.append(snapshot)

    def forget(self) -> None:
        """Drops the latest snapshot, if there is one."""
        if self._ring:
            self._ring.pop()

    def undo(self, method: Method) -> int | None:
        """Returns the method to the latest snapshot, which is used up; its number of updates, None if there is none."""
        if not self._ring:
            return None
        snapshot = self._ring.pop()
        method.load_state_dict(snapshot.state)
        return snapshot.updates

    def clear(self) -> None:
        """Drops all snapshots; another method may follow."""
        self._ring.clear()
        self._too_large = False
