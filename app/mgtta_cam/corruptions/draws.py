"""Draw random fields in one of two ways.

*reference*: exactly the numbers that `numpy.random.RandomState` gave the ImageNet-C script.
*fast*: the same distributions from 16-bit words of an SFC64 generator, which is seeded by the `RandomState`; a table of
quantiles turns a word into a value with one look-up.
"""

from __future__ import annotations

from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgtta.compiled import compiled
from mgtta_cam.corruptions.setting import Setting

WORDS = 1 << 16
"""Number of values of a random word."""


def random_words(rng: np.random.RandomState, shape: tuple[int, ...]) -> NDArray[np.uint16]:
    """Independent words, uniform on 0..65535, from a generator seeded by 64 bits of `rng`."""
    count = int(np.prod(shape))
    key = rng.randint(0, 1 << 32, size=2, dtype=np.uint64)
    raw = np.random.SFC64(key.tolist()).random_raw(-(-count // 4))
    return raw.view(np.uint16)[:count].reshape(shape)


@cache
def normal_quantiles() -> NDArray[np.float32]:
    """[65536] the middle quantile of each of 65,536 equally likely slices of N(0, 1), rescaled to variance 1."""
    normal = NormalDist()
    half = WORDS // 2
    upper = np.array([normal.inv_cdf((half + i + 0.5) / WORDS) for i in range(half)])
    upper /= np.sqrt(np.mean(upper**2))
    return np.concatenate([-upper[::-1], upper]).astype(np.float32)


def normal_field(
    rng: np.random.RandomState, shape: tuple[int, ...], mean: float, sd: float, setting: Setting
) -> NDArray[np.floating]:
    """Independent N(mean, sd) values: float64 reference draws or float32 fast ones."""
    if not setting.fast:
        return rng.normal(size=shape, loc=mean, scale=sd)
    return look_up((mean + sd * normal_quantiles()).astype(np.float32), random_words(rng, shape))


def uniform_field(rng: np.random.RandomState, shape: tuple[int, ...], setting: Setting) -> NDArray[np.floating]:
    """Independent values, uniform on [-1, 1): float64 reference draws or float32 fast ones."""
    if not setting.fast:
        return rng.uniform(-1, 1, size=shape)
    return random_words(rng, shape) * np.float32(2 / WORDS) + np.float32(1 / WORDS - 1)


def integer_field(
    rng: np.random.RandomState, shape: tuple[int, ...], low: int, high: int, setting: Setting
) -> NDArray[np.int8]:
    """Independent integers from `low` to `high`, exclusive."""
    if not setting.fast:
        return rng.randint(low, high, size=shape).astype(np.int8)
    return look_up((np.arange(WORDS) * (high - low) // WORDS + low).astype(np.int8), random_words(rng, shape))


def look_up(table: NDArray[Any], words: NDArray[np.uint16]) -> NDArray[Any]:
    """`table[words]`, in the words' shape and the table's dtype."""
    values = np.empty(words.shape, table.dtype)
    _look_up(table, words.reshape(-1), values.reshape(-1))
    return values


@compiled
def _look_up(table: NDArray[Any], words: NDArray[np.uint16], values: NDArray[Any]) -> None:
    for i in range(words.size):
        values[i] = table[words[i]]
