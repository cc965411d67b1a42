"""Counts labels of frames that come from your own program, as from a robot or a web server: no file is involved."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

import mgtta_cam


def camera(count: int = 40) -> Iterator[tuple[np.ndarray, float]]:
    """Stands for a device: RGB pictures, uint8 [h, w, 3], with the seconds at which they were taken."""
    rng = np.random.default_rng(0)
    still = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
    for i in range(count):
        yield np.roll(still, 4 * i, axis=1), i / 30


labels: Counter[str] = Counter()
for result in mgtta_cam.stream(camera(), model="demo"):
    labels[result.label] += 1

for label, count in labels.most_common():
    print(f"{label:12} {count}")
