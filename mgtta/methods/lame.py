"""LAME: parameter-free online test-time adaptation (arXiv 2201.05718).

Nothing of the model changes: the answers of a window are smoothed over its nearest neighbors in feature space, by the
bound optimization of Eqn. 8. Settings are those of FOA and MGTTA: a symmetric k-nearest-neighbor affinity, k = 5, where
the paper's first choice is a kernel. Departure: a picture's own entry in its neighbor list is masked by its place, not
taken to be the first; identical frames would break that.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mgtta.frozen import Frozen
from mgtta.logits import softmax
from mgtta_models import Classifier, Output

ITERATIONS, TOLERANCE = 100, 1e-8


def lame(backbone: Classifier, neighbors: int = 5) -> Frozen:
    """Laplacian-adjusted answers; they are probabilities.

    Args:
        backbone: the source model.
        neighbors: k, of each picture within its window; at least 1.

    Raises:
        ValueError: if there are fewer.
    """
    if neighbors < 1:
        raise ValueError(f"the number of neighbors is expected to be 1 or more; got {neighbors}")

    def answer(output: Output) -> Tensor:
        return smoothed(softmax(output.logits), affinity(output.features[:, -1], neighbors))

    return Frozen(backbone, answer, probabilities=True)


def affinity(features: Tensor, neighbors: int) -> Tensor:
    """[b, d] -> [b, b]: 0.5 for each of the two that counts the other among its nearest, by angle."""
    z = torch.nn.functional.normalize(features, dim=1)
    near = torch.zeros(len(z), len(z), device=z.device)
    k = min(neighbors, len(z) - 1)
    if k:
        distance = torch.cdist(z, z).fill_diagonal_(float("inf"))
        near.scatter_(1, distance.topk(k, largest=False).indices, 1.0)
    return (near + near.T) / 2


def smoothed(p: Tensor, affinity: Tensor) -> Tensor:
    """[b, c] probabilities -> the same, pulled together where the affinity [b, b] ties pictures to each other."""
    U = -(p + 1e-10).log()
    Y, previous = (-U).softmax(dim=1), float("inf")
    for iteration in range(ITERATIONS):
        pairwise = affinity @ Y
        Y = (pairwise - U).softmax(dim=1)
        energy = (U * Y - pairwise * Y + Y * Y.clamp(min=1e-20).log()).sum().item()
        if iteration > 1 and abs(energy - previous) <= TOLERANCE * abs(previous):
            break
        previous = energy
    return Y
