"""Elastic transform: a random affine warp, then a random smooth displacement of every pixel."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mgtta_cam.corruptions.draws import uniform_field
from mgtta_cam.corruptions.setting import Setting
from mgtta_cam.corruptions.smooth import gaussian, gaussian_weights, truncate
from mgtta_cam.corruptions.textures import enlarge
from mgtta_cam.types import Image

SIDE = 244
"""The authors wrote 244 although the pictures have 224; kept as published."""

ELASTIC = (  # displacement in pixels before smoothing, sigma of the smoothing, jitter of the affine corners
    (SIDE * 2, SIDE * 0.7, SIDE * 0.1),
    (SIDE * 2, SIDE * 0.08, SIDE * 0.2),
    (SIDE * 0.05, SIDE * 0.01, SIDE * 0.02),
    (SIDE * 0.07, SIDE * 0.01, SIDE * 0.02),
    (SIDE * 0.12, SIDE * 0.01, SIDE * 0.02),
)
CUT_AT_SIGMA = 3.0
NOTHING = np.empty((0, 0), np.float32)
WIDE_SIGMA = 12
"""From this sigma, smoothing is a matrix product, because the kernel is at least as long as the image."""


class Warp(NamedTuple):
    """A forward affine matrix [2, 3], and the positions x and y [h, w], in pixels, that are sampled after it."""

    affine: NDArray[Any]
    x: NDArray[np.float32]
    y: NDArray[np.float32]


def draw_elastic(rng: np.random.RandomState, setting: Setting) -> Warp:
    """Draw the corners first, then the displacement along x, then along y."""
    alpha, sigma, jitter = setting.pick(ELASTIC)
    rows, columns = setting.grid
    center = np.array([columns // 2, rows // 2], np.float32)
    reach = min(rows, columns) // 3
    corners = np.stack([center + reach, center + np.array([reach, -reach]), center - reach]).astype(np.float32)
    moved = corners + rng.uniform(-jitter, jitter, size=(3, 2)).astype(np.float32)
    affine = cv2.getAffineTransform(corners, moved)
    affine[:, 2] *= setting.k
    dx, dy = (_smooth(uniform_field(rng, setting.grid, setting), sigma) * (alpha * setting.k) for _ in range(2))
    return Warp(
        affine,
        enlarge(dx.astype(np.float32), setting) + np.arange(setting.width, dtype=np.float32)[None, :],
        enlarge(dy.astype(np.float32), setting) + np.arange(setting.height, dtype=np.float32)[:, None],
    )


def render_elastic(image: Image, warp: Warp, setting: Setting) -> Image:
    """Apply two interpolations in sequence, as published: composing them would give a sharper picture."""
    size = setting.shape[::-1]
    levels = image.astype(np.float32) if setting.k == 1 else image  # bytes round, but are faster
    turned = cv2.warpAffine(levels, warp.affine, size, borderMode=cv2.BORDER_REFLECT_101)
    moved = cv2.remap(turned, warp.x, warp.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return truncate(moved) if setting.k == 1 else np.asarray(moved, np.uint8)


def _smooth(field: NDArray[np.floating], sigma: float) -> NDArray[np.floating]:
    if sigma < WIDE_SIGMA:
        return gaussian(field.astype(np.float32), sigma, CUT_AT_SIGMA, cv2.BORDER_REFLECT)
    down, across = (gaussian_matrix(side, sigma) for side in field.shape)
    # OpenCV's product, because numpy's threads would compete with the model's.
    half = cv2.gemm(down, field.astype(np.float32), 1, NOTHING, 0)
    return np.asarray(cv2.gemm(half, across, 1, NOTHING, 0, flags=cv2.GEMM_2_T), np.float32)


@lru_cache(maxsize=8)
def gaussian_matrix(side: int, sigma: float) -> NDArray[np.float32]:
    """[side, side]: a Gaussian filter with mirrored edges as a matrix; row i holds the weights of output i."""
    weights = gaussian_weights(sigma, CUT_AT_SIGMA)
    offsets = np.arange(weights.size) - weights.size // 2
    source = (np.arange(side)[:, None] + offsets[None, :]) % (2 * side)
    source = np.minimum(source, 2 * side - 1 - source)
    matrix = np.zeros((side, side))
    np.add.at(matrix, (np.arange(side)[:, None], source), weights[None, :])
    return matrix.astype(np.float32)
