"""DeYO: entropy is not enough for test-time adaptation (arXiv 2403.07366).

Minimizes the entropy of pictures that are certain, and whose answer suffers when their patches are shuffled: it rests
on shapes (Eqns. 5-8). For a ViT, SGD with rate 0.001 and momentum 0.9, over all norm layers as in MGTTA's copy, or
those of SAR as in the original (`variant`). A window without such a picture changes nothing.

Departure: where classes are left out, MGTTA's copy leaves them out of the first answer only, and then looks up the
wrong class in the second; `published=True` does so too.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from mgtta import transforms
from mgtta.adapter import Adapter, Evaluation, Objective
from mgtta.draws import drawn, seeded
from mgtta.logits import entropy, softmax
from mgtta.parameters import early_norm_parameters, norm_parameters
from mgtta.selection import entropy_margin, within
from mgtta_models import Classifier, Output

GRID = 4  # patches a side
SCOPES = {"mgtta": norm_parameters, "original": early_norm_parameters}


class Draws(NamedTuple):
    """Where the shuffles come from."""

    generator: Tensor  # [k] uint8, a torch.Generator's state


def deyo(
    backbone: Classifier,
    entropy_margin_nats: float | None = None,
    plpd_margin: float = 0.2,
    lr: float = 1e-3,
    momentum: float = 0.9,
    generator_seed: int | None = None,
    weight_margin_nats: float | None = None,
    variant: Literal["mgtta", "original"] = "mgtta",
    published: bool = False,
) -> Adapter:
    """Entropy of pictures whose answer rests on shapes.

    Args:
        backbone: the source model.
        entropy_margin_nats: tau_Ent, below which a picture is certain; 0.5 ln C by default.
        plpd_margin: tau_PLPD, by how much shuffling must lower the probability of the answer, in (-1, 1).
        lr: learning rate.
        momentum: of SGD.
        generator_seed: of the shuffles; torch's own seed by default.
        weight_margin_nats: Ent_0, against which certainty is weighted; 0.4 ln C by default.
        variant: which norm layers adapt: all (`mgtta`) or the early ones (`original`).
        published: leave classes out of the first answer only.

    `step(x, permutation=...)` takes [r, 16] source patches of the certain pictures in place of a draw.

    Raises:
        ValueError: if a filter could never act.
    """
    if variant not in SCOPES:
        raise ValueError(f"DeYO's variant is one of {', '.join(SCOPES)}; got {variant!r}")
    classes = len(backbone.classes)
    tau = entropy_margin(entropy_margin_nats, 0.5, classes, "DeYO's entropy margin")
    ent0 = entropy_margin(weight_margin_nats, 0.4, classes, "DeYO's weight margin")
    within(plpd_margin, -1, 1, "DeYO's PLPD margin", "the range of a difference of probabilities")

    def evaluate(x: Tensor, output: Output, state: Draws, permutation: Tensor | None = None) -> Evaluation:
        H = entropy(output.logits)
        certain = H.detach() < tau
        terms: dict[str, float] = {"reliable": float(certain.sum()), "kept": 0.0}
        if not certain.any():
            return Evaluation(None, terms, state)
        if permutation is None:
            noise, generator = drawn(state.generator, lambda g: torch.rand(int(certain.sum()), GRID**2, generator=g))
            permutation, state = noise.argsort(dim=1), Draws(generator)
        with torch.no_grad():
            shuffled = backbone(shuffle(x[certain], permutation))
            second = backbone.classify(shuffled.features[:, -1], among_all=True) if published else shuffled.logits
        p = softmax(output.logits.detach()[certain])
        answer = p.argmax(dim=1, keepdim=True)
        plpd = (p.gather(1, answer) - softmax(second).gather(1, answer)).squeeze(1)
        shapes = plpd > plpd_margin
        terms |= {"kept": float(shapes.sum()), "entropy": H.detach().mean().item()}
        if not shapes.any():
            return Evaluation(None, terms, state)
        H, plpd = H[certain][shapes], plpd[shapes]
        weight = (ent0 - H.detach()).exp() + plpd.exp()
        return Evaluation((weight * H).mean(), terms, state)

    objective = Objective(lambda: Draws(seeded(generator_seed)), evaluate)
    return Adapter(backbone, objective, transforms.sgd(momentum), lr, SCOPES[variant])


def shuffle(x: Tensor, permutation: Tensor) -> Tensor:
    """[r, 3, h, w] -> the same, each picture cut into 4 x 4 patches; patch j is source patch permutation[r, j]."""
    r, channels, *size = x.shape
    h, w = (side // GRID for side in size)
    whole: Any = interpolate(x, (h * GRID, w * GRID), mode="bilinear") if size != [h * GRID, w * GRID] else x
    patches = whole.unflatten(2, (GRID, h)).unflatten(4, (GRID, w)).permute(0, 2, 4, 1, 3, 5).flatten(1, 2)
    order = permutation[:r].to(x.device)[:, :, None, None, None].expand(-1, -1, channels, h, w)
    mixed = patches.gather(1, order).unflatten(1, (GRID, GRID)).permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)
    return mixed if mixed.shape == x.shape else interpolate(mixed, size, mode="bilinear")
