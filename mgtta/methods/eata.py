"""EATA: efficient test-time model adaptation without forgetting (arXiv 2204.02610).

Minimizes the entropy of pictures that are reliable and not like the others before (Eqns. 2-6), weighted by certainty,
and holds parameters that mattered on clean pictures near their source values (Eqn. 8). For a ViT, SGD with rate 0.001
and momentum 0.9. A window without such a picture changes nothing.

Departures: the redundancy margin is the paper's 0.05 from 200 classes on; for fewer, whose answers are alike by
necessity, it grows to the 0.4 that the authors use with 10. MGTTA's copy multiplies the entropy margin by ln C twice,
so that its filter keeps everything, and scales the redundancy margin in the place of the entropy margin where classes
are left out: `published=True` does so too.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from mgtta import transforms
from mgtta.adapter import Adapter, Evaluation, Objective
from mgtta.logits import entropy, softmax
from mgtta.parameters import norm_parameters
from mgtta.selection import entropy_margin, within
from mgtta.types import Tensors
from mgtta_models import Classifier, ModelError, Output


class Selected(NamedTuple):
    """The average of the answers that were selected so far."""

    q: Tensor  # [c] moving average of their probabilities
    any: Tensor  # [] bool, whether there were any


def eata(
    backbone: Classifier,
    fisher: Tensors,
    margin_nats: float | None = None,
    redundancy: float | None = None,
    fisher_weight: float = 2000.0,
    lr: float = 1e-3,
    momentum: float = 0.9,
    published: bool = False,
) -> Adapter:
    """Entropy of reliable, non-redundant pictures, and an anchor to the source.

    Args:
        backbone: the source model.
        fisher: importance of each norm parameter on clean pictures, by name: `mgtta.statistics.measure_fisher`.
        margin_nats: E0; 0.4 ln C by default.
        redundancy: d, largest |cosine| between an answer and the average of those before, in 0..1.
        fisher_weight: beta.
        lr: learning rate.
        momentum: of SGD.
        published: the margins as in MGTTA's copy.

    Raises:
        ModelError: if the importances are another model's.
        ValueError: if a filter could never act.
    """
    classes = len(backbone.classes)
    if published:
        margin, d = 0.4 * math.log(1000) ** 2, 0.05 * math.log(classes) / math.log(1000)
    else:
        margin = entropy_margin(margin_nats, 0.4, classes, "EATA's entropy margin")
        wanted = few_classes(classes) if redundancy is None else redundancy
        d = within(wanted, 0, 1, "EATA's redundancy margin", "the range of |cosine|: outside it keeps none or all")
    if not 0 <= fisher_weight < math.inf:
        raise ValueError(f"EATA's Fisher weight is expected to be 0 or more; got {fisher_weight}")
    parameters = norm_parameters(backbone)
    if {name: p.shape for name, p in parameters.items()} != {name: f.shape for name, f in fisher.items()}:
        raise ModelError(
            f"these Fisher importances are not of {backbone.name}'s norm layers: make its own with "
            f"mgtta-cam stats --model {backbone.name} --images DIR --out FILE"
        )
    source = {name: p.detach().clone() for name, p in parameters.items()}
    weights = {name: f.to(backbone.device) for name, f in fisher.items()}

    def evaluate(_: Tensor, output: Output, state: Selected) -> Evaluation:
        H, p = entropy(output.logits), softmax(output.logits.detach())
        reliable = H.detach() < margin
        new = reliable & (cosine_similarity(p, state.q.unsqueeze(0)).abs() < d) if state.any else reliable
        terms = {"reliable": float(reliable.sum()), "kept": float(new.sum())}
        if not new.any():
            return Evaluation(None, terms, state)
        mean = p[new].mean(dim=0)
        q = 0.9 * state.q + 0.1 * mean if state.any else mean
        uncertainty = ((margin - H.detach()).exp() * H)[new].mean()
        drift = torch.stack([(weights[n] * (v - source[n]).square()).sum() for n, v in parameters.items()]).sum()
        loss = uncertainty + fisher_weight * drift
        terms |= {"entropy": H.detach().mean().item(), "anchor": fisher_weight * drift.item()}
        return Evaluation(loss, terms, Selected(q, torch.ones_like(state.any)))

    device = backbone.device
    objective = Objective(
        lambda: Selected(torch.zeros(classes, device=device), torch.zeros((), dtype=torch.bool, device=device)),
        evaluate,
    )
    return Adapter(backbone, objective, transforms.sgd(momentum), lr)


def few_classes(classes: int) -> float:
    """The redundancy margin d: 0.05 at 200 classes and more, 0.4 at 10 and fewer, a power law between."""
    return min(0.4, max(0.05, 0.4 * (classes / 10) ** (math.log(0.05 / 0.4) / math.log(200 / 10))))
