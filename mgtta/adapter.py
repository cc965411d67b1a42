"""The common way to adapt: a loss, a transform of its gradients, and the parameters they act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from mgtta.losses import Loss
from mgtta.parameters import norm_parameters
from mgtta.types import Step, Tensors, Transform
from models import Backbone

Scope = Callable[[Backbone], dict[str, nn.Parameter]]


class Adapter:
    """One forward and one backward pass a window: answer, then learn.

    Args:
        backbone: the source model; its parameters now are what `reset` returns to.
        loss: of a window's output.
        transform: the optimizer.
        lr: learning rate, what an update is multiplied by.
        scope: which parameters adapt.
        smallest: windows with fewer pictures are answered but teach nothing.
    """

    def __init__(
        self,
        backbone: Backbone,
        loss: Loss,
        transform: Transform,
        lr: float,
        scope: Scope = norm_parameters,
        smallest: int = 1,
    ) -> None:
        if not lr > 0:
            raise ValueError(f"the learning rate is expected above 0; got {lr}")
        self.backbone, self.loss, self.transform, self.lr, self.smallest = backbone, loss, transform, lr, smallest
        self._parameters = {name: p.requires_grad_() for name, p in scope(backbone).items()}
        self.source = {name: p.detach().clone() for name, p in self._parameters.items()}
        self.reset()

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, c]. Learns nothing, changes nothing."""
        return self.backbone(x).logits

    def step(self, x: Tensor) -> Step:
        """Answers a window [b, 3, h, w], then learns from it, unless that would poison what was learned.

        Nothing is touched, and the stats say so under `skipped_...`, if the window is too small for the loss or if the
        loss or a gradient is not finite.
        """
        with torch.inference_mode(False), torch.enable_grad():
            output = self.backbone(x.clone() if x.is_inference() else x)
            logits = output.logits.detach()
            if len(x) < self.smallest:
                return Step(logits, {"skipped_window_too_small": 1.0})
            loss, terms = self.loss(output)
            stats = {name: term.item() for name, term in terms.items()}
            if not torch.isfinite(loss):
                return Step(logits, {**stats, "skipped_loss_not_finite": 1.0})
            gradients = gradient(loss, self._parameters)
        with torch.no_grad():
            gradient_norm = norm(gradients)
            stats["gradient_norm"] = gradient_norm
            if not gradient_norm < float("inf"):
                return Step(logits, {**stats, "skipped_gradient_not_finite": 1.0})
            updates, self.state = self.transform.update(gradients, self.state)
            for name, parameter in self._parameters.items():
                parameter.add_(updates[name], alpha=-self.lr)
            stats["update_norm"] = self.lr * norm(updates)
        return Step(logits, stats)

    @torch.no_grad()
    def reset(self) -> None:
        """Returns to the source model, to the bit."""
        for name, parameter in self._parameters.items():
            parameter.copy_(self.source[name])
        self.state = self.transform.init(self._parameters)

    def parameters(self) -> Tensors:
        """The adapted parameters by name, in order: the live tensors, not copies."""
        return self._parameters

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of the adapted parameters (`parameter.*`) and of the transform's state (`state.*`)."""
        learned = {f"parameter.{name}": p for name, p in self._parameters.items()}
        learned |= {f"state.{name}": tensor for name, tensor in self.state._asdict().items()}
        return {name: tensor.detach().clone() for name, tensor in learned.items()}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state_dict` gave.

        Raises:
            ValueError: if a tensor is missing, unknown or of another shape; nothing is changed then.
        """
        own = self.state_dict()
        if own.keys() != state.keys() or any(own[name].shape != state[name].shape for name in own):
            wrong = sorted(own.keys() ^ state.keys()) or [n for n in own if own[n].shape != state[n].shape]
            raise ValueError(f"this state is not of the same method and model: {', '.join(wrong[:3])} differ")
        for name, parameter in self._parameters.items():
            parameter.copy_(state[f"parameter.{name}"])
        self.state = type(self.state)(
            **{name: state[f"state.{name}"].to(tensor.device).clone() for name, tensor in self.state._asdict().items()}
        )


def gradient(loss: Tensor, parameters: Tensors) -> dict[str, Tensor]:
    """Of a scalar loss, by parameter name; zero where the loss does not depend on a parameter."""
    values = torch.autograd.grad(loss, list(parameters.values()), materialize_grads=True)
    return dict(zip(parameters, values, strict=True))


def norm(tensors: Tensors) -> float:
    """Euclidean norm over all tensors; infinite or NaN if one scalar is."""
    return torch.stack([tensor.float().norm() for tensor in tensors.values()]).norm().item()
