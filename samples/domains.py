"""Domains: the same pictures under corruptions, trained with the norm layers' channels restored to clean moments.

A test-time method changes only the norm layers, so the other weights must be useful once the norm layers are right. In
a domain's batch, each channel's mean and spread before a norm layer's scale and shift are set to their values on clean
pictures, as perfect adaptation would do (Li et al., "Revisiting Batch Normalization for Practical Domain Adaptation",
arXiv 1603.04779). The other weights are trained under these conditions. Without adaptation, the model sees shifted
channels, which it was never trained for.

The domains are ImageNet-C's four validation corruptions, and haze; none is among the test's fifteen.

Notation: b batch, t tokens, d width, s the model's input size.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mgtta_cam.corruptions import corrupt
from samples.augment import normalized

HAZE = "haze"
DOMAINS = ("speckle_noise", "gaussian_blur", "spatter", "saturate", HAZE)
SEVERITIES = (3, 4, 5)
HAZE_CONTRAST, HAZE_SHADE = (0.05, 0.4), (60, 200)  # remaining contrast, and gray level of the haze (0..255)
MOMENTUM = 0.05  # weight of a clean batch in the running means and spreads
SMALLEST = 1e-3  # added to a spread before dividing by it

Change = Callable[[int, Tensor], Tensor | None]


class Moments(nn.Module):
    """Running mean and spread of each channel before each norm layer's scale and shift, on clean pictures.

    Args:
        model: the model with the LayerNorms and BatchNorms; the latter must be in evaluation mode.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.layers = [layer for layer in model.modules() if isinstance(layer, nn.LayerNorm | nn.BatchNorm2d)]
        for number, layer in enumerate(self.layers):
            self.register_buffer(f"mean{number}", torch.zeros(layer.weight.shape))
            self.register_buffer(f"std{number}", torch.zeros(layer.weight.shape))

    def of(self, number: int) -> tuple[Tensor, Tensor]:
        """Mean and spread of layer `number`, `[d]` each: the live tensors."""
        return self.get_buffer(f"mean{number}"), self.get_buffer(f"std{number}")

    @contextmanager
    def measured(self) -> Iterator[None]:
        """A context in which inputs are clean: record their moments."""

        def remember(number: int, x: Tensor) -> None:
            std, mean = torch.std_mean(x.detach().flatten(0, -2), dim=0)
            running_mean, running_std = self.of(number)
            weight = MOMENTUM if running_std.any() else 1.0
            running_mean.lerp_(mean, weight)
            running_std.lerp_(std, weight)

        with self._behind_norms(remember):
            yield

    @contextmanager
    def restored(self) -> Iterator[None]:
        """A context in which inputs are from one domain: replace their moments by the clean ones."""

        def restore(number: int, x: Tensor) -> Tensor:
            std, mean = torch.std_mean(x.flatten(0, -2), dim=0)
            clean_mean, clean_std = self.of(number)
            return (x - mean) / (std + SMALLEST) * clean_std + clean_mean

        with self._behind_norms(restore):
            yield

    @contextmanager
    def _behind_norms(self, change: Change) -> Iterator[None]:
        """A context in which `change(number, normalized [..., d])` may replace what a norm layer scales and shifts."""
        handles = [
            layer.register_forward_hook(partial(_hook, change, number)) for number, layer in enumerate(self.layers)
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def _hook(change: Change, number: int, layer: nn.Module, inputs: tuple[Tensor], _: Tensor) -> Tensor | None:
    if isinstance(layer, nn.LayerNorm):
        changed = change(number, functional.layer_norm(inputs[0], layer.normalized_shape, eps=layer.eps))
        return None if changed is None else changed * layer.weight + layer.bias
    assert isinstance(layer, nn.BatchNorm2d)
    plain = functional.batch_norm(inputs[0], layer.running_mean, layer.running_var, eps=layer.eps)
    changed = change(number, plain.movedim(1, -1))
    return None if changed is None else (changed * layer.weight + layer.bias).movedim(-1, 1)


def in_domain(x: Tensor, domain: str, rng: np.random.RandomState) -> Tensor:
    """Normalized pictures, `[b, 3, s, s]`, transformed to the domain."""
    pictures = x.mul(0.5).add(0.5).mul(255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().numpy()
    changed = np.stack([_changed(picture, domain, rng) for picture in pictures])
    return normalized(torch.from_numpy(changed).permute(0, 3, 1, 2))


def _changed(picture: NDArray[np.uint8], domain: str, rng: np.random.RandomState) -> NDArray[np.uint8]:
    if domain != HAZE:
        return corrupt(picture, domain, int(rng.choice(SEVERITIES)), rng, draws="fast")
    shade = rng.uniform(*HAZE_SHADE)
    return np.round(shade + (picture - shade) * rng.uniform(*HAZE_CONTRAST)).clip(0, 255).astype(np.uint8)
