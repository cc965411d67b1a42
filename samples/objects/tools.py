"""Things to work and to play with."""

import numpy as np

from samples.objects.parts import Parts, Rng
from samples.shapes import annulus, ball, block, disc, ellipse, moved, rod, rounded, slab, sweep, upright


def dumbbell(rng: Rng) -> Parts:
    """A bar along x with weights at its ends: stacked plates, hexagons or balls."""
    half, grip = rng.uniform(0.3, 0.5), rng.uniform(0.05, 0.08)
    style, weight = rng.integers(3), rng.uniform(0.3, 0.45)
    parts: Parts = [(rod([(-half - 0.45, 0, 0), (half + 0.45, 0, 0)], grip), "metal")]
    for side in (-1, 1):
        if style == 0:
            place = half
            for size in np.linspace(1.0, rng.uniform(0.55, 0.85), int(rng.integers(2, 4))) * weight:
                parts.append((disc(size, 0.13, (side * place, 0, 0), "x"), "body"))
                place += 0.15
            parts.append((disc(0.1, 0.08, (side * place, 0, 0), "x"), "trim"))
        elif style == 1:
            parts.append((disc(weight, 0.42, (side * (half + 0.15), 0, 0), "x", sides=6), "body"))
            parts.append((disc(weight * 0.6, 0.46, (side * (half + 0.15), 0, 0), "x", sides=6), "trim"))
        else:
            parts.append((ball(weight, (side * (half + 0.2), 0, 0)), "body"))
    return parts


def guitar(rng: Rng) -> Parts:
    """An acoustic or electric guitar, its strings to the front."""
    waist, upper, lower = rng.uniform(0.2, 0.27), rng.uniform(0.29, 0.35), rng.uniform(0.4, 0.48)
    side = [(0, -0.95), (lower * 0.8, -0.93), (lower, -0.6), (lower * 0.92, -0.4), (waist, -0.2), (upper, 0.08)]
    electric = rng.random() < 0.35
    top = [(upper, 0.34 if electric else 0.2), (upper * 0.5, 0.16 if electric else 0.26), (0, 0.22)]
    right = rounded([*side, *top], 30)
    outline = np.concatenate([right, right[-2:0:-1] * (-1, 1)])
    thick = 0.12 if electric else 0.24
    front = -thick / 2
    parts: Parts = [(slab(outline, thick), "body")]
    if electric:
        parts.append((slab(moved(ellipse(0.24, 0.26, 2.6), 0.03, -0.42), 0.02).translate((0, front - 0.01, 0)), "trim"))
        for z in (-0.3, -0.5):
            parts.append((block((0.22, 0.04, 0.07), (0, front - 0.03, z)), "dark"))
    else:
        parts.append((disc(0.15, 0.02, (0, front, -0.12), "y"), "dark"))
        parts.append((block((0.28, 0.05, 0.06), (0, front - 0.02, -0.6)), "trim"))
    neck = rng.uniform(0.95, 1.15)
    parts.append((block((0.12, 0.09, neck), (0, front - 0.02, neck / 2)), "trim"))
    head = moved([(-0.07, 0), (0.07, 0), (0.12, 0.08), (0.1, 0.3), (-0.1, 0.3), (-0.12, 0.08)], 0, neck)
    parts.append((slab(head, 0.07).translate((0, front, 0)), "body"))
    for z in (0.1, 0.17, 0.24):
        for x in (-0.15, 0.15):
            parts.append((ball(0.035, (x, front, neck + z)), "metal"))
    for x in (-0.03, 0.0, 0.03):
        parts.append((rod([(x, front - 0.08, -0.6), (x, front - 0.08, neck)], 0.006, sides=5), "light"))
    return parts


def hammer(rng: Rng) -> Parts:
    """A claw hammer, a mallet or a sledge, the handle upright."""
    grip, handle, head = rng.uniform(0.06, 0.09), rng.uniform(1.3, 1.7), rng.uniform(0.34, 0.45)
    z = np.linspace(0, handle, 8)
    swell = grip * np.array([1.15, 1.25, 1.1, 0.9, 0.8, 0.8, 0.8, 0.8])
    parts: Parts = [(sweep(np.column_stack([np.zeros(8), z]), swell, flat=0.8), "body")]
    if rng.random() < 0.4:
        parts.append((rod([(0, 0, -0.02), (0, 0, 0.4 * handle)], grip * 1.35), "trim"))
    style = rng.integers(3)
    if style == 0:
        parts.append((disc(0.15, 0.2, (head, 0, handle), "x", sides=24), "metal"))
        parts.append((disc(0.11, head + 0.1, (head / 2 - 0.05, 0, handle), "x", sides=8), "metal"))
        claw = moved(rounded([(0, 0.1), (-0.25, 0.1), (-0.5, -0.14), (-0.3, -0.04), (0, -0.1)], 12), 0, handle)
        for y in (-0.07, 0.07):
            parts.append((slab(claw, 0.09).translate((0, y, 0)), "metal"))
    elif style == 1:
        parts.append((disc(rng.uniform(0.2, 0.26), 2.2 * head, (0, 0, handle), "x"), "trim"))
    else:
        parts.append((block((2 * head, 0.28, 0.28), (0, 0, handle)), "metal"))
    return parts


def key(rng: Rng) -> Parts:
    """An old key with a ring, or a flat one with a plate; the bit points sideways."""
    bow, shaft, power = rng.uniform(0.26, 0.36), rng.uniform(1.0, 1.35), rng.choice([2.0, 2.0, 3.5])
    thick = rng.uniform(0.05, 0.08)
    width, height = bow * rng.uniform(0.85, 1.3), bow
    if rng.random() < 0.6:
        ring = moved(ellipse(width, height, power), 0, shaft + height)
        parts: Parts = [(rod(upright(ring), thick, closed=True), "body")]
        parts.append((rod([(0, 0, -0.05), (0, 0, shaft)], thick), "body"))
        for z in (shaft - 0.05, shaft - 0.2):
            parts.append((disc(thick * 1.7, 0.06, (0, 0, z)), "body"))
        deep = thick
    else:
        outer = ellipse(width * 1.15, height * 1.15, power)
        hole = ellipse(width * 0.55, height * 0.55)
        deep = 0.09
        plate = annulus(outer, hole, deep).translate((0, 0, shaft + height))
        parts = [(plate, "body"), (block((0.2, deep, shaft + 0.2), (0, 0, shaft / 2)), "body")]
    side = 1 if rng.random() < 0.5 else -1
    bottom = 0.0
    for _ in range(int(rng.integers(2, 4))):
        tooth, reach = rng.uniform(0.08, 0.14), rng.uniform(0.2, 0.34)
        parts.append((block((reach, deep, tooth), (side * (0.04 + reach / 2), 0, bottom + tooth / 2)), "body"))
        bottom += tooth + rng.uniform(0.05, 0.09)
    return parts


def scissors(rng: Rng) -> Parts:
    """Open scissors: two crossed blades with ring handles."""
    opening, blade, ring = rng.uniform(12, 30), rng.uniform(0.85, 1.1), rng.uniform(0.2, 0.27)
    thick = rng.uniform(0.05, 0.075)
    outline = [(-0.02, blade), (0.09, 0.1), (0.08, -0.12), (-0.08, -0.12), (-0.08, 0.1)]
    loop = ellipse(ring * rng.uniform(0.75, 1.0), ring * rng.uniform(1.1, 1.5))
    parts: Parts = []
    for side in (-1, 1):
        steel = slab(outline, 0.04)
        arm = rod([(0, 0, -0.1), (0.06, 0, -0.3), (0.16, 0, -0.45)], 0.07)
        handle = rod(upright(moved(loop, 0.24, -0.45 - ring)), thick, closed=True)
        for mesh, slot in ((steel, "metal"), (arm, "body"), (handle, "body")):
            half = mesh if side > 0 else mesh.reflect((1, 0, 0))
            parts.append((half.rotate_y(-side * opening / 2).translate((0, 0.025 * side, 0)), slot))
    parts.append((disc(0.05, 0.14, (0, 0, 0), "y"), "trim"))
    return parts
