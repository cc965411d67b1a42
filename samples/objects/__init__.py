"""Sixteen classes of everyday objects, each instance drawn from a random generator.

A builder returns parts: pairs of a mesh and the name of the material slot that covers it. The slots are `body`, `trim`
and `metal`, whose colors are random for every object, and `dark`, `glass` and `light`, which always look the same.
Flat objects face the front (-y).
"""

from collections.abc import Callable
from typing import NamedTuple

from samples.objects.furniture import chair, lamp
from samples.objects.kitchen import banana, bottle, mug, teapot
from samples.objects.outfit import glasses, hat, umbrella
from samples.objects.parts import Parts, Rng
from samples.objects.tools import dumbbell, guitar, hammer, key, scissors
from samples.objects.vehicles import airplane, car


class Kind(NamedTuple):
    """How a class is built and shown."""

    build: Callable[[Rng], Parts]
    stance: str  # standing: rests on the floor; flat: lies or is held up facing the camera; flying
    turn: tuple[float, float] = (-180.0, 180.0)  # degrees around z that keep the object recognizable
    both: bool = False  # whether the view from behind is recognizable too
    tints: tuple[str, ...] = ()  # body colors for half of the objects


WARM = ("#c8742a", "#8a4b23", "#b5651d", "#5b3416")
STEEL = ("#c9a227", "#b8b8bd", "#8c7853", "#d4af37")

KINDS: dict[str, Kind] = {
    "airplane": Kind(airplane, "flying", tints=("#f2f2f2", "#dfe6ee", "#c9ccd1")),
    "banana": Kind(banana, "flat", tints=("#f4d03f", "#e8c22e", "#b5c334")),
    "bottle": Kind(bottle, "standing", tints=("#1e6b3a", "#6b3a1e", "#2a6f97", "#93c572")),
    "car": Kind(car, "standing"),
    "chair": Kind(chair, "standing", tints=WARM),
    "dumbbell": Kind(dumbbell, "flat", tints=("#333338", "#55565c")),
    "glasses": Kind(glasses, "standing", turn=(-55.0, 55.0), tints=("#2b2b2b", "#7a3b2e")),
    "guitar": Kind(guitar, "flat", tints=WARM),
    "hammer": Kind(hammer, "flat", tints=WARM),
    "hat": Kind(hat, "standing", tints=("#2f2a26", "#8b6b4a", "#d9c29c")),
    "key": Kind(key, "flat", tints=STEEL),
    "lamp": Kind(lamp, "standing"),
    "mug": Kind(mug, "standing", turn=(-220.0, 40.0)),
    "scissors": Kind(scissors, "flat"),
    "teapot": Kind(teapot, "standing", turn=(-65.0, 65.0), both=True),
    "umbrella": Kind(umbrella, "held"),
}
