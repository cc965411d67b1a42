"""What is read from logits: entropy, and logits from probabilities."""

from __future__ import annotations

import torch
from torch import Tensor


def entropy(logits: Tensor) -> Tensor:
    """Entropy of each row's softmax, in nats: [b, c] -> [b]."""
    log_p = logits.log_softmax(dim=1)
    return -(log_p.exp() * log_p).sum(dim=1)


def as_logits(answers: Tensor, probabilities: bool) -> Tensor:
    """A method's answers [b, c] as logits: logarithms, where they are probabilities."""
    return answers.clamp(min=torch.finfo(answers.dtype).tiny).log() if probabilities else answers
