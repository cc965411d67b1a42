"""Plasma: a cloud-like random field on a torus, by midpoint displacement (diamond-square)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgtta.compiled import compiled
from mgtta_cam.corruptions.draws import uniform_field
from mgtta_cam.corruptions.setting import Setting

FIRST_AMPLITUDE = 100.0


def plasma(side: int, decay: float, rng: np.random.RandomState, setting: Setting) -> NDArray[np.float64]:
    """A field [side, side], where side is a power of two, scaled to 0..1, that wraps around at its edges.

    Each halving of the step divides the wobble w by `decay`. The displacement is w * U(-w, w), so amplitudes fall by
    decay squared, as in the reference.
    """
    random = uniform_field(rng, (side * side - 1,), setting)
    field = np.zeros((side, side))
    _displace(field, np.asarray(random, np.float64), FIRST_AMPLITUDE, decay)
    field -= field.min()
    return field / field.max()


@compiled
def _displace(field: NDArray[np.float64], random: NDArray[np.float64], wobble: float, decay: float) -> None:
    side = field.shape[0]
    step = side
    used = 0
    while step >= 2:
        half = step // 2
        amplitude = wobble * wobble
        # First the centers of the squares, then the midpoints of their edges: along rows, then along columns.
        for group in range(3):
            first_row, first_column = (0 if group == 1 else half), (0 if group == 2 else half)
            for y in range(first_row, side, step):
                up, down = (y - half) % side, (y + half) % side
                for x in range(first_column, side, step):
                    left, right = (x - half) % side, (x + half) % side
                    if group == 0:
                        total = field[up, left] + field[up, right] + field[down, left] + field[down, right]
                    else:
                        total = field[up, x] + field[down, x] + field[y, left] + field[y, right]
                    field[y, x] = total / 4 + amplitude * random[used]
                    used += 1
        step = half
        wobble /= decay
