"""The second part of training: add norm layers to the stem, and train the weights on corrupted pictures.

Notation: b batch, d width.
"""

import time
from itertools import pairwise

import numpy as np
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, distributed, nn
from torch.nn import functional

from mgtta_models.stem import ConvolutionalStem
from samples.augment import augmented, centered
from samples.domains import DOMAINS, Moments, in_domain
from samples.workers import average_gradients, generator

SHARE = 32  # pictures of each kind, clean and from a domain, per worker and step
RATE, BETAS, WEIGHT_DECAY = 4e-4, (0.9, 0.98), 0.02
MEASURED = 512  # pictures for the initial moments
STEM, FINAL = 0.04, 2.0  # final size of norm layers' weights; see `rescale`


def refine(model: VisionTransformer, pictures: Tensor, labels: Tensor, size: int, steps: int, seed: int) -> None:
    """Train in place, synchronously with the other workers: pictures, uint8 `[n, 3, h, w]`, and labels, `[n]`.

    Each step sees clean pictures, as the model is used, and pictures of one domain with the clean moments restored.
    """
    rank, start, total = distributed.get_rank(), time.monotonic(), np.zeros(2)
    moments = Moments(model)
    model.eval()  # batch normalization keeps its moments; nothing else differs in this model
    calibrate(model, moments, centered(pictures[:: -(-len(pictures) // MEASURED)], size))
    model.requires_grad_(True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=BETAS, weight_decay=WEIGHT_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps, pct_start=0.05, cycle_momentum=False)
    draws = generator(seed, 999, rank + 1)
    for step in range(steps):
        index = torch.randint(len(labels), (2, SHARE), generator=draws)
        with moments.measured():
            clean_loss = smoothed_loss(model(augmented(pictures[index[0]], size, draws)), labels[index[0]])
        optimizer.zero_grad()
        clean_loss.backward()
        rng = np.random.RandomState([seed, step, rank])
        x = in_domain(augmented(pictures[index[1]], size, draws), DOMAINS[step % len(DOMAINS)], rng)
        with moments.restored():
            domain_loss = smoothed_loss(model(x), labels[index[1]])
        domain_loss.backward()
        average_gradients(model)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += clean_loss.item(), domain_loss.item()
        if rank == 0 and (step + 1) % 50 == 0:
            clean, domain = total / 50
            pace = (time.monotonic() - start) / (step + 1)
            print(f"step {step + 1} of {steps}: loss {clean:.3f}, in domains {domain:.3f}, {pace:.2f} s", flush=True)
            total[:] = 0


def smoothed_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Label-smoothed cross-entropy of logits `[b, c]`."""
    return functional.cross_entropy(logits, labels, label_smoothing=0.05)


@torch.no_grad()
def calibrate(model: VisionTransformer, moments: Moments, x: Tensor) -> None:
    """Set the stem's norm layers to the moments of clean pictures, `[b, 3, s, s]`, without changing the output."""
    with moments.measured():
        model(x)
    for number, layer in enumerate(moments.layers):
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            mean, std = moments.of(number)
            layer.running_mean.copy_(mean)
            layer.running_var.copy_(std**2)
            layer.weight.copy_((std**2 + layer.eps).sqrt())
            layer.bias.copy_(mean)
            mean.zero_()
            std.copy_(std / layer.weight)


@torch.no_grad()
def rescale(model: VisionTransformer, stem: float = STEM, final: float = FINAL) -> None:
    """Rescale norm layers in place, to choose the effect of a step in them, without changing the model's output.

    A norm layer can be divided by a factor if the weights that read it are multiplied by the factor. A step of a given
    size in the norm layer then has a larger effect. An hour's training from scratch leaves small models less sensitive
    than weeks of training leave large ones, and MGTTA's published rate, which bounds each scalar's step, hardly moves
    them. So the mean weight of each norm layer in the stem, where noise and blur appear first, becomes `stem`. That of
    the final one, whose features enter MGTTA's discrepancy squared, is multiplied by `final`.
    """
    assert isinstance(model.patch_embed, ConvolutionalStem)
    pairs = [
        (norm, reader, stem / norm.weight.abs().mean())
        for norm, reader in pairwise(model.patch_embed.layers)
        if isinstance(norm, nn.BatchNorm2d)
    ]
    for norm, reader, factor in [*pairs, (model.norm, model.head, final)]:
        norm.weight *= factor
        norm.bias *= factor
        reader.weight /= factor
