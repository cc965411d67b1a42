"""What is read from logits: probabilities, entropy, and logits from probabilities."""

from __future__ import annotations

import torch
from torch import Tensor


def entropy(logits: Tensor) -> Tensor:
    """Entropy of each row's softmax, in nats, 0 to ln c: [b, c] -> [b].

    Example:
        >>> entropy(torch.zeros(1, 4))  # ln 4
        tensor([1.3863])
    """
    log_p = logits.log_softmax(dim=1)
    return -(log_p.exp() * log_p).sum(dim=1)


def softmax(logits: Tensor) -> Tensor:
    """Probabilities of each row: [b, c] -> [b, c] in 0..1, rows that sum to 1."""
    return logits.softmax(dim=1)


def as_logits(answers: Tensor, probabilities: bool) -> Tensor:
    """A method's answers [b, c] as logits: the logarithms if they are `probabilities`, unchanged if not."""
    return answers.clamp(min=torch.finfo(answers.dtype).tiny).log() if probabilities else answers
