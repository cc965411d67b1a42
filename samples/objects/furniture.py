"""Things to sit on and to read by."""

import numpy as np

from samples.objects.parts import Parts, Rng
from samples.shapes import ball, block, lathe, rod, rounded


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


def lamp(rng: Rng) -> Parts:
    """A table or floor lamp: foot, pole and a conical shade."""
    pole, shade, foot = rng.uniform(0.7, 1.9), rng.uniform(0.42, 0.6), rng.uniform(0.28, 0.42)
    tall, narrow = rng.uniform(0.5, 0.7), shade * rng.uniform(0.45, 0.75)
    parts: Parts = []
    if rng.random() < 0.5:
        parts.append((lathe([(0, 0), (foot, 0), (foot, 0.06), (0.08, 0.12), (0, 0.12)]), "body"))
        parts.append((rod([(0, 0, 0.1), (0, 0, pole + 0.3)], rng.uniform(0.03, 0.05)), "metal"))
    else:
        bulge = rng.uniform(0.15, 0.3)
        line = [(0, 0), (foot * 0.7, 0), (foot * 0.7, 0.06), (0.08, 0.12), (bulge, 0.4 * pole), (0.06, 0.8 * pole)]
        parts.append((lathe(rounded([*line, (0.05, pole + 0.1)])), "body"))
        parts.append((rod([(0, 0, pole), (0, 0, pole + 0.3)], 0.035), "metal"))
    parts.append((lathe([(shade, pole), (narrow, pole + tall)], 40), "trim"))
    parts.append((ball(0.14, (0, 0, pole + 0.25)), "light"))
    return parts
