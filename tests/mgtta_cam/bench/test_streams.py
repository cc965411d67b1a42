"""Orders of pictures are complete, repeatable, and as their names say."""

from __future__ import annotations

from itertools import groupby, pairwise

import numpy as np
import pytest

from mgtta_cam.bench.streams import PROTOCOLS, REPEATS, Stream, clustered, held

CLASSES = [i % 10 for i in range(500)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_picture_is_met(protocol: str) -> None:
    """Orders are the same in every run; windows are full except for the last of a segment."""
    stream = Stream(protocol, ("fog", "snow"), 5, 64)
    windows = stream.windows(CLASSES, seed=1)
    assert windows == stream.windows(CLASSES, seed=1)
    shots = [shot for window in windows for shot in window]
    assert len(set(shots)) == len(shots) == 1000 * (REPEATS if stream.still else 1)
    assert {(shot.place, shot.corruption) for shot in shots} == {(p, c) for p in range(500) for c in ("fog", "snow")}
    mixed = [len({shot.corruption for shot in window}) for window in windows]
    assert max(mixed) == (2 if protocol == "mixed" else 1)


def test_severity_rises_and_falls() -> None:
    """Slowly: each severity lasts, the highest in the middle. Suddenly: the second half is as severe as it gets."""
    slow, sudden = (
        [shot for window in Stream(protocol, ("fog",), 4, 64).windows(CLASSES, seed=0) for shot in window]
        for protocol in ("slow", "sudden")
    )
    assert [severity for severity, _ in groupby(shot.severity for shot in slow)] == [0, 1, 2, 3, 4, 3, 2, 1, 0]
    assert [severity for severity, _ in groupby(shot.severity for shot in sudden)] == [0, None]
    assert sum(shot.severity == 0 for shot in sudden) == len(sudden) / 2
    assert all(a.place == b.place for a, b in pairwise(slow) if a.repeat != REPEATS - 1)


def test_classes_come_in_clusters() -> None:
    """Neighbors share a class far more often than by chance, and no picture is lost."""
    order = clustered(CLASSES, seed=0)
    assert sorted(order) == list(range(500))
    together = np.mean([CLASSES[a] == CLASSES[b] for a, b in pairwise(order)])
    assert together > 0.6
    assert clustered(CLASSES, seed=1) != order


def test_a_held_picture_moves_a_little() -> None:
    """Frames differ, neighbors less than distant ones."""
    yx = np.mgrid[0:64, 0:64].sum(0).astype(np.uint8)
    picture = np.repeat(yx[:, :, None], 3, axis=2)
    frames = [held(picture, repeat, [0, 7]).astype(int) for repeat in range(REPEATS)]
    change = [float(np.abs(a - b).mean()) for a, b in pairwise(frames)]
    assert all(0 < amount < 3 for amount in change)
    assert max(float(np.abs(frames[0] - frame).mean()) for frame in frames) > max(change)
