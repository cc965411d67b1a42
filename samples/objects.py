"""Sixteen classes of everyday objects, each drawn anew from a random generator.

A builder answers with its parts: pairs of a mesh and the name of the material slot that will cover it. Slots are
`body`, `trim` and `metal`, whose colors are random for every object, and `dark` and `glass`, which look the same
everywhere. Flat objects face the front (-y).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyvista as pv

from samples.shapes import ball, block, disc, ellipse, gore, lathe, rod, rounded, slab, sweep, turned, upright

Parts = list[tuple[pv.PolyData, str]]
Rng = np.random.Generator


class Kind(NamedTuple):
    """How a class is built and shown."""

    build: Callable[[Rng], Parts]
    stance: str  # standing: rests on the floor; flat: lies or is held up facing the camera; flying
    turn: tuple[float, float] = (-180.0, 180.0)  # degrees around z that keep the object recognizable
    tints: tuple[str, ...] = ()  # colors of the body that half of the objects take


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
    roof = np.asarray([cabin[1], cabin[2], cabin[2] - (0.0, 0.04), cabin[1] - (0.0, 0.04)]) + (0, 0.03)
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


def chair(rng: Rng) -> Parts:
    """A chair with four legs and a back of slats, bars or one panel; sometimes with arms."""
    wide, deep, seat, back = (rng.uniform(a, b) for a, b in ((0.4, 0.5), (0.4, 0.48), (0.7, 0.85), (0.7, 1.0)))
    leg = rng.uniform(0.035, 0.06)
    parts: Parts = [(block((2 * wide, 2 * deep, 0.1), (0, 0, seat)), "trim")]
    splay = rng.uniform(0.0, 0.1)
    for x in (-1, 1):
        for y in (-1, 1):
            foot = (x * (wide - leg + splay), y * (deep - leg + splay), 0)
            parts.append((rod([foot, (x * (wide - leg), y * (deep - leg), seat)], leg), "body"))
        post = [(x * (wide - leg), deep - leg, seat), (x * (wide - leg), deep + 0.12, seat + back)]
        parts.append((rod(post, leg), "body"))
    style = rng.integers(3)
    if style == 0:
        panel = block((2 * wide - 0.1, 0.06, back * 0.65), (0, 0, 0)).rotate_x(-8)
        parts.append((panel.translate((0, deep + 0.06, seat + back * 0.64)), "trim"))
    else:
        parts.append((block((2 * wide, 0.07, 0.13), (0, deep + 0.1, seat + back * 0.94)), "body"))
        for step in np.linspace(-0.7, 0.7, 4) if style == 1 else np.linspace(0.3, 0.7, 2):
            if style == 1:
                bar = [(step * wide, deep - leg, seat), (step * wide, deep + 0.1, seat + back * 0.94)]
            else:
                bar = [(x * wide * 0.9, deep + 0.1 * step, seat + back * step) for x in (-1, 1)]
            parts.append((rod(bar, 0.04), "trim"))
    if rng.random() < 0.25:
        for x in (-1, 1):
            arm = [(x * wide, deep, seat + 0.35), (x * wide, -deep * 0.8, seat + 0.35), (x * wide, -deep * 0.8, seat)]
            parts.append((rod(arm, 0.04), "body"))
    return parts


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


def glasses(rng: Rng) -> Parts:
    """Spectacles that face the front, temples going back; sometimes sunglasses."""
    wide, high, power = rng.uniform(0.36, 0.42), rng.uniform(0.25, 0.38), rng.choice([2.0, 2.6, 4.0])
    thick, gap = rng.uniform(0.035, 0.06), rng.uniform(0.08, 0.13)
    lens = "dark" if rng.random() < 0.45 else "glass"
    parts: Parts = []
    for side in (-1, 1):
        center = side * (wide + gap)
        rim = ellipse(wide, high, power) + (center, 0)
        parts += [(rod(upright(rim), thick, closed=True, sides=10), "body"), (slab(rim, 0.02), lens)]
        end = side * (2 * wide + gap)
        temple = [(end, 0, 0.1), (end * 1.02, 0.85, 0.1), (end * 1.0, 1.0, 0.03), (end * 0.98, 1.12, -0.15)]
        parts.append((rod(temple, thick), "body"))
    bridge = [(-gap, 0, 0.05), (0, -0.03, 0.12), (gap, 0, 0.05)]
    parts.append((rod(rounded(bridge, 9), thick), "body"))
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
        parts.append((slab(ellipse(0.24, 0.26, 2.6) + (0.03, -0.42), 0.02).translate((0, front - 0.01, 0)), "trim"))
        for z in (-0.3, -0.5):
            parts.append((block((0.22, 0.04, 0.07), (0, front - 0.03, z)), "dark"))
    else:
        parts.append((disc(0.15, 0.02, (0, front, -0.12), "y"), "dark"))
        parts.append((block((0.28, 0.05, 0.06), (0, front - 0.02, -0.6)), "trim"))
    neck = rng.uniform(0.95, 1.15)
    parts.append((block((0.12, 0.09, neck), (0, front - 0.02, neck / 2)), "trim"))
    head = np.array([(-0.07, 0), (0.07, 0), (0.12, 0.08), (0.1, 0.3), (-0.1, 0.3), (-0.12, 0.08)]) + (0, neck)
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
        claw = rounded([(0, 0.1), (-0.25, 0.1), (-0.5, -0.14), (-0.3, -0.04), (0, -0.1)], 12) + (0, handle)
        for y in (-0.07, 0.07):
            parts.append((slab(claw, 0.09).translate((0, y, 0)), "metal"))
    elif style == 1:
        parts.append((disc(rng.uniform(0.2, 0.26), 2.2 * head, (0, 0, handle), "x"), "trim"))
    else:
        parts.append((block((2 * head, 0.28, 0.28), (0, 0, handle)), "metal"))
    return parts
