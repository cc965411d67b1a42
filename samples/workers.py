"""What cooperating training processes share: gradients, and reproducible random numbers."""

import torch
from torch import distributed, nn


def average_gradients(model: nn.Module) -> None:
    """Average gradients over all workers."""
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for gradient, mean in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def generator(seed: int, epoch: int, worker: int = 0) -> torch.Generator:
    """The random generator for one epoch, common to all workers (0) or specific to one worker (1..)."""
    return torch.Generator().manual_seed(1_000_000 * seed + 1_000 * epoch + worker)
