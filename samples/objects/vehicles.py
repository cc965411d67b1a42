"""Things that drive and fly."""

import numpy as np

from samples.objects.parts import Parts, Rng
from samples.shapes import ball, block, disc, ellipse, lathe, moved, rounded, slab, turned


def airplane(rng: Rng) -> Parts:
    """An airplane with nose along x: swept wings with jets, or straight wings with a propeller."""
    length, radius, span = rng.uniform(1.0, 1.3), rng.uniform(0.13, 0.19), rng.uniform(0.85, 1.2)
    jet = rng.random() < 0.65
    sweep_back = rng.uniform(0.3, 0.6) if jet else rng.uniform(-0.02, 0.12)
    chord, tip = rng.uniform(0.36, 0.48), rng.uniform(0.14, 0.24)
    height = -0.05 if rng.random() < 0.7 else radius * 0.8
    nose = [(0.0, length), (0.6 * radius, 0.92 * length), (radius, 0.7 * length), (radius, -0.3 * length)]
    parts: Parts = [(turned(lathe(rounded([*nose, (0.25 * radius, -length), (0, -length)])), "x"), "body")]
    half = [(0.5 * chord, 0), (0.5 * tip - sweep_back, span), (-0.5 * tip - sweep_back, span), (-0.5 * chord, 0)]
    wing = slab(half, 0.045).rotate_x(-90)
    tail = slab(np.asarray(half) * 0.42, 0.035).rotate_x(-90).translate((-0.88 * length, 0, 0.03))
    for mesh in (wing.translate((0.05, 0, height)), tail):
        parts += [(mesh, "trim"), (mesh.reflect((0, 1, 0)), "trim")]
    rise = rng.uniform(0.34, 0.46)
    fin = [(-0.62, 0.05), (-0.86, 0.05 + rise), (-1.02, 0.05 + rise), (-0.98, 0.0)]
    parts.append((slab(np.asarray(fin) * (length, 1), 0.04), "trim"))
    if jet:
        for along in (0.4,) if rng.random() < 0.6 else (0.3, 0.6):
            for side in (-1, 1):
                place = (0.22 - sweep_back * along, side * span * along, height - 0.1)
                parts.append((disc(0.075, 0.3, place, "x"), "metal"))
    else:
        parts.append((slab(ellipse(0.32, 0.04), 0.02).rotate_z(90).translate((length + 0.01, 0, 0)), "dark"))
        parts.append((ball((0.06, 0.05, 0.05), (length, 0, 0)), "metal"))
    parts.append((ball((0.2, 0.7 * radius, 0.6 * radius), (0.62 * length, 0, 0.55 * radius)), "dark"))
    return parts


def car(rng: Rng) -> Parts:
    """A car with its nose along x: sedan, hatchback, van or pickup."""
    length, width, tall = rng.uniform(1.0, 1.2), rng.uniform(0.42, 0.5), rng.uniform(0.3, 0.42)
    low, belt = 0.16, rng.uniform(0.44, 0.52)
    front, back = rng.uniform(0.25, 0.45), rng.choice([-0.95, -0.7, -0.35])
    lower = [(-1, low), (1, low), (1, belt - 0.1), (0.92, belt - 0.04), (front + 0.15, belt), (-0.98, belt)]
    upper = [(front + 0.18, belt - 0.01), (front - 0.14, belt + tall), (back + 0.14, belt + tall), (back, belt - 0.01)]
    stretch = np.array([length, 1.0])
    parts: Parts = [(slab(np.asarray(lower) * stretch, 2 * width), "body")]
    cabin = np.asarray(upper) * stretch
    parts.append((slab(cabin, 1.72 * width), "dark"))
    roof = np.concatenate([moved(cabin[1:3], 0, 0.03), moved(cabin[2:0:-1], 0, -0.01)])
    parts.append((slab(roof, 1.74 * width), "body"))
    for pillar in (back + 0.08, (front + back) / 2):
        parts.append((block((0.05, 1.74 * width, tall), (pillar * length, 0, belt + tall / 2)), "body"))
    wheel = rng.uniform(0.19, 0.24)
    for x in (-0.6, 0.62):
        for side in (-1, 1):
            parts.append((disc(wheel, 0.16, (x * length, side * (width - 0.04), wheel), "y"), "dark"))
            parts.append((disc(wheel * 0.55, 0.17, (x * length, side * (width - 0.04), wheel), "y"), "metal"))
    for side in (-1, 1):
        parts.append((ball((0.03, 0.07, 0.05), (length, side * width * 0.7, belt - 0.15)), "light"))
        parts.append((block((0.02, 0.12, 0.06), (-length, side * width * 0.75, belt - 0.1)), "trim"))
    return parts
