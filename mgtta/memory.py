"""The sample memory: which frames of a stream an update is made of. Not in MGTTA's paper, whose windows are shuffled.

Neighboring frames of a video are near-copies: a window of them has almost no spread, and a loss that aligns means and
spreads of features pushes the model apart. Three policies: the latest frames; a reservoir, in which each past frame is
as likely as any other, until it fades; and a balanced memory of frames that differ, in the manner of NOTE (arXiv
2208.05117: classes balanced by prediction) and RoTTA (arXiv 2303.13899: what is old leaves first). No labels, and a
bounded size. `mgtta.plugins.MEMORIES` has them by name.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

GRID = 8  # places a side of a sketch
TWINS = 0.85  # similarity from which two frames show the same; 40 photographs reached 0.76 at most among each other
FEWEST = 16  # different frames that are enough for an update
HORIZON = 2048  # frames: what is older leaves a balanced memory
FADING = 2  # times its size: the frames that a reservoir draws from; older ones fade


class Member(NamedTuple):
    """A frame that may be learned from."""

    frame: int  # its index in the stream
    x: Tensor  # [3, s, s] the model's input
    label: int  # the predicted class
    sketch: Tensor  # [3 * GRID * GRID], unit length: `sketched`


class Memory(Protocol):
    """Takes every frame that may be learned from, and keeps some."""

    @property
    def ready(self) -> bool:
        """Whether there are enough for an update."""
        ...

    def add(self, member: Member) -> None:
        """Takes the next frame."""
        ...

    def members(self) -> list[Member]:
        """Those kept, in the order of time."""
        ...

    def clear(self) -> None:
        """Drops all of them."""
        ...


def member(frame: int, x: Tensor, label: int) -> Member:
    """The frame x [3, s, s] of this index, with its sketch."""
    return Member(frame, x, label, sketched(x[None])[0])


def sketched(x: Tensor) -> Tensor:
    """Coarse descriptions of frames, for similarity: [n, 3, s, s] -> [n, 3 * GRID * GRID], each of unit length.

    The picture at GRID x GRID places, each channel around zero: similarity (`sketch @ sketch`, -1..1) hardly depends on
    noise, contrast, a cast of color, or weather that hangs in front of all frames.
    """
    coarse = adaptive_avg_pool2d(x.detach().float(), GRID).flatten(2)
    coarse = (coarse - coarse.mean(dim=2, keepdim=True)).flatten(1)
    norm = coarse.norm(dim=1, keepdim=True)
    flat = torch.full_like(coarse, coarse.shape[1] ** -0.5)  # all pictures of one color are twins
    return torch.where(norm > 1e-6, coarse / norm, flat)


def effective_size(sketches: Sequence[Tensor]) -> float:
    """The number of different frames among n: n for frames that have nothing in common, 1 for copies.

    n^2 / sum of w_ij, where w is 1 for twins, 0 for frames without likeness, and grows with the fourth power between.

    Args:
        sketches: of the frames, as `sketched` makes them.
    """
    if not sketches:
        return 0.0
    stacked = torch.stack(list(sketches))
    likeness = ((stacked @ stacked.T) / TWINS).clamp(0, 1) ** 4
    return len(sketches) ** 2 / float(likeness.sum())


class Latest:
    """The latest frames.

    Args:
        size: number of frames.
        seed: not used: nothing is drawn.
    """

    def __init__(self, size: int, seed: int = 0) -> None:  # noqa: ARG002
        self._size = size
        self._kept: deque[Member] = deque(maxlen=size)

    @property
    def ready(self) -> bool:
        """Whether it is full."""
        return len(self._kept) == self._size

    def add(self, member: Member) -> None:
        """The oldest leaves."""
        self._kept.append(member)

    def members(self) -> list[Member]:
        """Those kept, in the order of time."""
        return list(self._kept)

    def clear(self) -> None:
        """Drops all."""
        self._kept.clear()


class Reservoir:
    """Frames drawn evenly from those that came; beyond FADING times its size, older ones fade.

    Args:
        size: number of frames that are kept.
        seed: of the draws.
    """

    def __init__(self, size: int, seed: int = 0) -> None:
        self._size, self._seed = size, seed
        self.clear()

    @property
    def ready(self) -> bool:
        """Whether it is full."""
        return len(self._kept) == self._size

    def add(self, member: Member) -> None:
        """Replaces a random frame, or is dropped, at random."""
        self._count += 1
        if len(self._kept) < self._size:
            self._kept.append(member)
        elif (place := self._chance.randrange(min(self._count, FADING * self._size))) < self._size:
            del self._kept[place]
            self._kept.append(member)

    def members(self) -> list[Member]:
        """Those kept, in the order of time."""
        return list(self._kept)

    def clear(self) -> None:
        """Drops all; the draws begin again."""
        self._kept: list[Member] = []
        self._count, self._chance = 0, random.Random(self._seed)  # noqa: S311  not a secret


class Balanced:
    """Frames that differ from each other, of as many classes as were predicted.

    A frame takes the place of its twin, if there is one. Otherwise, in a full memory, one of the most frequent class
    leaves: the one that is most like the others and longest there.

    Args:
        size: number of frames that are kept.
        seed: not used: nothing is drawn.
    """

    def __init__(self, size: int, seed: int = 0) -> None:  # noqa: ARG002
        self._size = size
        self.clear()

    @property
    def ready(self) -> bool:
        """Whether there are FEWEST, or it is full: as they differ, a few are a sample."""
        return len(self._kept) >= min(FEWEST, self._size)

    def add(self, member: Member) -> None:
        """Replaces its twin, or one of the most frequent class; frames that are too old leave."""
        self._kept = [m for m in self._kept if member.frame - m.frame < HORIZON]
        if self._kept:
            likeness = torch.stack([m.sketch for m in self._kept]) @ member.sketch
            twin = int(likeness.argmax())
            if float(likeness[twin]) >= TWINS:
                del self._kept[twin]
            elif len(self._kept) >= self._size:
                del self._kept[self._superfluous(member)]
        self._kept.append(member)

    def members(self) -> list[Member]:
        """Those kept, in the order of time."""
        return list(self._kept)

    def clear(self) -> None:
        """Drops all."""
        self._kept: list[Member] = []

    def _superfluous(self, newcomer: Member) -> int:
        """Index of the frame that a newcomer replaces."""
        counts = Counter(m.label for m in [*self._kept, newcomer])
        most = max(counts.values())
        sketches = torch.stack([m.sketch for m in self._kept])
        crowding = (sketches @ sketches.T).clamp(min=0).pow(2).sum(dim=1).tolist()
        candidates = [i for i, m in enumerate(self._kept) if counts[m.label] == most]
        return max(candidates, key=lambda i: crowding[i] + 4 * (newcomer.frame - self._kept[i].frame) / HORIZON)
