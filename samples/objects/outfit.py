"""Things to wear and to carry."""

import numpy as np

from samples.objects.parts import Parts, Rng
from samples.shapes import ellipse, gore, lathe, moved, rod, rounded, slab, sweep, upright


def glasses(rng: Rng) -> Parts:
    """Spectacles that face the front, temples going back; sometimes sunglasses."""
    wide, high, power = rng.uniform(0.36, 0.42), rng.uniform(0.25, 0.38), rng.choice([2.0, 2.6, 4.0])
    thick, gap = rng.uniform(0.035, 0.06), rng.uniform(0.08, 0.13)
    lens = "dark" if rng.random() < 0.45 else "glass"
    parts: Parts = []
    for side in (-1, 1):
        center = side * (wide + gap)
        rim = moved(ellipse(wide, high, power), center, 0)
        parts += [(rod(upright(rim), thick, closed=True, sides=10), "body"), (slab(rim, 0.02), lens)]
        end = side * (2 * wide + gap)
        temple = [(end, 0, 0.1), (end * 1.02, 0.85, 0.1), (end * 1.0, 1.0, 0.03), (end * 0.98, 1.12, -0.15)]
        parts.append((rod(temple, thick), "body"))
    bridge = [(-gap, 0, 0.05), (0, -0.03, 0.12), (gap, 0, 0.05)]
    parts.append((rod(rounded(bridge, 9), thick), "body"))
    return parts


def hat(rng: Rng) -> Parts:
    """A hat with brim and band: top hat, bowler, boater or cowboy hat."""
    style, brim = rng.integers(4), rng.uniform(0.72, 0.9)
    crown, tall = rng.uniform(0.4, 0.48), (rng.uniform(0.75, 1.0), 0.45, 0.36, 0.55)[style]
    shoulder = (0.0, 0.75, 0.0, 0.3)[style]
    line = [(crown, 0.0), (crown * (1.0 if style else rng.uniform(0.92, 1.12)), tall * (1 - 0.6 * shoulder))]
    line += [(crown * (1 - 0.4 * shoulder), tall), (0.0, tall * (0.86 if style == 3 else 1.0))]
    top = lathe(rounded(line, 20) if style in (1, 3) else line)
    edge = lathe(np.column_stack([np.linspace(crown * 0.95, brim, 8), np.zeros(8)]), 48)
    under = edge.translate((0, 0, -0.03))
    band = lathe([(crown * 1.025, 0.01), (crown * 1.025, rng.uniform(0.1, 0.17))])
    curl = (0.12, 0.22, 0.0, 0.75)[style] * rng.uniform(0.7, 1.2)
    parts: Parts = [(top, "body"), (edge, "body"), (under, "body"), (band, "trim")]
    for mesh, _ in parts[1:3]:
        x, y, z = np.asarray(mesh.points).T
        reach = np.clip(np.hypot(x, y) - crown, 0, None) / (brim - crown)
        z = z + curl * 0.5 * reach**2 * (x / brim) ** 2 - 0.05 * reach * (y / brim) ** 2
        mesh.points = np.column_stack([x, y, z])
    return parts


def umbrella(rng: Rng) -> Parts:
    """An open umbrella: canopy of panels, shaft and a hooked handle."""
    radius, tall, panels = rng.uniform(0.85, 1.05), rng.uniform(0.38, 0.6), int(rng.choice([6, 8, 8, 10]))
    angle = np.linspace(0, np.pi / 2 * rng.uniform(0.85, 1.0), 10)
    dome = np.column_stack([radius * np.sin(angle), tall * np.cos(angle)])
    two = rng.random() < 0.6
    edges = np.linspace(0, 2 * np.pi, panels + 1)
    parts: Parts = []
    for index in range(panels):
        panel = gore(dome, edges[index], edges[index + 1])
        x, y, z = np.asarray(panel.points).T
        turn = (np.arctan2(y, x) - edges[index]) % (2 * np.pi) / (edges[1] - edges[0])
        bulge = np.where(turn < 1.01, np.sin(np.pi * np.clip(turn, 0, 1)), 0.0)
        panel.points = np.column_stack([x, y, z + 0.1 * bulge * (np.hypot(x, y) / radius) ** 2])
        parts.append((panel, "trim" if two and index % 2 else "body"))
    shaft, hook = rng.uniform(0.9, 1.2), rng.uniform(0.1, 0.15)
    parts.append((rod([(0, 0, -shaft + tall), (0, 0, tall + 0.12)], 0.03), "metal"))
    bend = np.linspace(0, np.pi * 1.05, 12)
    crook = moved(np.column_stack([hook * (1 - np.cos(bend)), -hook * np.sin(bend)]), 0, tall - shaft)
    parts.append((sweep(np.concatenate([[(0, tall - shaft + 0.2)], crook]), 0.045), "dark"))
    return parts
