"""Things from the kitchen."""

import numpy as np

from samples.objects.parts import Parts, Rng
from samples.shapes import ball, disc, lathe, rounded, sweep


def banana(rng: Rng) -> Parts:
    """One banana, or a small bunch."""
    bend, thick = rng.uniform(1.3, 2.2), rng.uniform(0.14, 0.2)
    angle = np.linspace(-bend / 2, bend / 2, 26)
    path = np.column_stack([np.sin(angle), 1 - np.cos(angle)]) * (1.7 / bend)
    along = np.linspace(0, 1, 26)
    radii = thick * np.clip(np.minimum(along / 0.2, (1 - along) / 0.28), 0.0, 1.0) ** 0.6 + 0.025
    parts: Parts = []
    for index in range(int(rng.choice([1, 1, 2, 3]))):
        fruit = sweep(path, radii, sides=7).rotate_y(9.0 * index).translate((0, 0.26 * index, 0))
        parts.append((fruit, "body"))
    for end in (0, -1):
        parts.append((ball(0.045, (path[end, 0], 0, path[end, 1])), "dark"))
    return parts


def bottle(rng: Rng) -> Parts:
    """A bottle with a cap and a label, from slim to stout."""
    radius, body, neck = rng.uniform(0.24, 0.36), rng.uniform(0.85, 1.15), rng.uniform(0.07, 0.11)
    shoulder, top = body + rng.uniform(0.15, 0.4), rng.uniform(0.22, 0.45)
    waist = radius * (rng.uniform(0.8, 0.95) if rng.random() < 0.3 else 1.0)
    line = [(0, 0), (radius, 0), (radius, 0.05), (waist, body / 2), (radius, body), (neck, shoulder)]
    parts: Parts = [(lathe(rounded([*line, (neck, shoulder + top), (0, shoulder + top)])), "body")]
    parts.append((disc(neck * 1.3, 0.12, (0, 0, shoulder + top)), "trim"))
    if rng.random() < 0.75:
        low, high = 0.25 * body, rng.uniform(0.55, 0.75) * body
        parts.append((lathe([(radius * 1.012, low), (radius * 1.012, high)]), "trim"))
    return parts


def mug(rng: Rng) -> Parts:
    """A mug, open at the top, its handle along x."""
    radius, tall, wall = rng.uniform(0.42, 0.52), rng.uniform(0.9, 1.2), 0.05
    foot = radius * rng.uniform(0.75, 1.05)
    belly = radius * rng.uniform(0.95, 1.15)
    line = [(foot, 0), (belly, tall * 0.5), (radius, tall)]
    outer = [(0, 0), *(rounded(line, 10) if rng.random() < 0.5 else [line[0], line[-1]])]
    inner = [(radius - wall, tall), (min(radius, foot) - wall, 0.1), (0, 0.1)]
    parts: Parts = [(lathe(outer, 40), "body"), (lathe([(radius, tall), *inner], 40), "trim")]
    reach, middle, half = rng.uniform(0.28, 0.4), tall * rng.uniform(0.48, 0.56), tall * rng.uniform(0.28, 0.36)
    angle = np.linspace(-np.pi / 2 - 0.2, np.pi / 2 + 0.2, 18)
    power = rng.uniform(0.6, 1.0)
    bow = np.column_stack([np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power, np.sin(angle)])
    start = min(radius, foot, belly) - 0.03
    parts.append((sweep(bow * (reach, half) + (start, middle), rng.uniform(0.06, 0.085)), "body"))
    depth = tall * rng.uniform(0.6, 0.85)
    parts.append((disc(radius - wall - 0.02, 0.01, (0, 0, depth)), "dark"))
    return parts


def teapot(rng: Rng) -> Parts:
    """A teapot: spout along x, handle opposite, lid with a knob."""
    wide, tall = rng.uniform(0.52, 0.65), rng.uniform(0.7, 0.95)
    mouth = wide * rng.uniform(0.45, 0.6)
    line = [(0, 0), (wide * 0.6, 0), (wide, tall * rng.uniform(0.25, 0.45)), (wide, tall * 0.7), (mouth, tall)]
    parts: Parts = [(lathe(rounded(line, 24), 40), "body")]
    lid = [(mouth * 1.05, tall - 0.01), (mouth * 0.9, tall + 0.1), (0.05, tall + rng.uniform(0.14, 0.22))]
    parts += [(lathe(rounded([*lid, (0, lid[-1][1])], 10)), "trim"), (ball(0.08, (0, 0, lid[-1][1] + 0.05)), "trim")]
    spout = rounded([(wide * 0.75, tall * 0.3), (wide + 0.22, tall * 0.35), (wide + 0.25, tall * 0.8)], 10)
    spout = np.concatenate([spout, [(wide + rng.uniform(0.38, 0.5), tall * rng.uniform(0.95, 1.1))]])
    parts.append((sweep(spout, np.linspace(0.15, 0.06, len(spout))), "body"))
    if rng.random() < 0.7:
        angle = np.linspace(np.pi / 2 - 0.2, 1.5 * np.pi + 0.2, 18)
        bow = np.column_stack([np.cos(angle), np.sin(angle)])
        parts.append((sweep(bow * (rng.uniform(0.32, 0.42), tall * 0.3) + (-wide * 0.85, tall * 0.55), 0.06), "trim"))
    else:
        angle = np.linspace(0.1, np.pi - 0.1, 24)
        bow = np.column_stack([wide * np.cos(angle), tall * 0.75 + rng.uniform(0.6, 0.8) * np.sin(angle)])
        parts.append((sweep(bow, 0.045), "trim"))
    return parts
