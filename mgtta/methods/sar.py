"""SAR: towards stable test-time adaptation in dynamic wild world (arXiv 2302.12400).

Sharpness-aware entropy minimization (Eqns. 2-4) of reliable pictures over the early norm layers, and a return to the
source when the entropy has become so low that the model has collapsed. `variant="foa"` is what FOA and MGTTA report:
the second pass chooses among all pictures of the window and its answers are returned; `"original"` chooses among those
of the first pass and returns the first pass's answers. SGD with rate 0.001 and momentum 0.9.

Departure: all of the authors' programs keep SGD's momentum and the low moving average when they return to the source,
so that the old momentum pushes on and the next windows may return again; here both are forgotten. `published=True`
keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from mgtta import transforms
from mgtta.adapter import NOT_FINITE
from mgtta.gradients import gradient, norm
from mgtta.learned import Learned
from mgtta.logits import entropy
from mgtta.parameters import early_norm_parameters
from mgtta.selection import entropy_margin, within
from mgtta.types import Step, Tensors
from mgtta_models import Classifier

EMA = 0.9


class State(NamedTuple):
    """What is remembered beside the parameters."""

    optimizer: Any  # SGD's
    ema: Tensor  # [] moving average of the loss in nats; NaN before the first


class Sar:
    """A method of two forward and two backward passes a window. See `sar` for the arguments."""

    probabilities = False

    def __init__(
        self,
        backbone: Classifier,
        margin: float,
        rho: float,
        reset_below: float,
        lr: float,
        momentum: float,
        original: bool,
        published: bool,
    ) -> None:
        self.backbone, self.margin, self.rho, self.reset_below = backbone, margin, rho, reset_below
        self.lr, self.original, self.published = transforms.checked_rate(lr), original, published
        self.sgd = transforms.sgd(momentum)
        none = torch.full((), float("nan"), device=backbone.device)
        self.learned = Learned(early_norm_parameters(backbone), lambda p: State(self.sgd.init(p), none))

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, c], at the parameters as they are: the first pass of `step`."""
        return self.backbone(x).logits

    def step(self, x: Tensor, *, scale: float = 1.0) -> Step:
        """Answers and learns; a window without a reliable picture changes nothing (but see `variant`).

        Args:
            x: [b, 3, h, w].
            scale: what the rate is multiplied by for this step.
        """
        with torch.inference_mode(False), torch.enable_grad():
            x = x.clone() if x.is_inference() else x
            first = self.backbone(x).logits
            if not first.isfinite().all():
                return Step(first.detach(), {}, NOT_FINITE)
            H = entropy(first)
            reliable = H.detach() < self.margin
            stats = {"entropy": H.detach().mean().item(), "reliable": float(reliable.sum())}
            if not reliable.any():
                if self.original:
                    zeros = {name: torch.zeros_like(p) for name, p in self.learned.parameters.items()}
                    self._descend(zeros, self.lr * scale)
                return Step(first.detach(), stats | self._recover(), "nothing_reliable")
            ascent = gradient(H[reliable].mean(), self.learned.parameters, self.backbone.loss_scales)
            length = norm(ascent)
            stats["gradient_norm"] = length
            if not length < float("inf"):
                return Step(first.detach(), stats, "gradient_not_finite")
            before = {name: p.detach().clone() for name, p in self.learned.parameters.items()}
            self.learned.move(ascent, -self.rho / (length + 1e-12))
            second = self.backbone(x).logits
            H = entropy(second)
            kept = H.detach() < self.margin
            kept = kept & reliable if self.original else kept
            loss = H[kept].mean() if kept.any() else (H * 0).sum()
            gradients = gradient(loss, self.learned.parameters, self.backbone.loss_scales)
            self.learned.assign(before)
        answer = (first if self.original else second).detach()
        if not (second.isfinite().all() and norm(gradients) < float("inf")):
            return Step(first.detach(), stats, NOT_FINITE)
        stats |= {"kept": float(kept.sum()), "update_norm": self._descend(gradients, self.lr * scale)}
        if kept.any():
            self._average(loss.detach())
        return Step(answer, stats | self._recover())

    @torch.no_grad()
    def _descend(self, gradients: Tensors, rate: float) -> float:
        updates, optimizer = self.sgd.update(gradients, self.learned.state.optimizer)
        self.learned.state = self.learned.state._replace(optimizer=optimizer)
        self.learned.move(updates, rate)
        return rate * norm(updates)

    def _average(self, loss: Tensor) -> None:
        ema = self.learned.state.ema
        ema = loss if ema.isnan() else EMA * ema + (1 - EMA) * loss
        self.learned.state = self.learned.state._replace(ema=ema)

    def _recover(self) -> dict[str, float]:
        if not self.learned.state.ema < self.reset_below:
            return {}
        if self.published:
            self.learned.assign(self.learned.source)
        else:
            self.learned.reset()
        return {"recovered": 1.0}

    def reset(self) -> None:
        """Returns to the source model, to the bit; momentum and moving average start again."""
        self.learned.reset()

    def parameters(self) -> Tensors:
        """The adapted parameters by name, in order: the live tensors, not copies."""
        return self.learned.parameters

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of all that was learned."""
        return self.learned.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restores what `state_dict` gave; a ValueError if it is another method's."""
        self.learned.load_state_dict(state)


def sar(
    backbone: Classifier,
    margin_nats: float | None = None,
    rho: float = 0.05,
    reset_below: float = 0.2,
    lr: float = 1e-3,
    momentum: float = 0.9,
    variant: Literal["foa", "original"] = "foa",
    published: bool = False,
) -> Sar:
    """Sharpness-aware entropy minimization of reliable pictures.

    Args:
        backbone: the source model.
        margin_nats: E0, below which a picture is reliable; 0.4 ln C by default.
        rho: radius of the perturbation, over all adapted parameters together.
        reset_below: nats; the model returns to the source when the moving average of its loss falls below.
        lr: learning rate.
        momentum: of SGD.
        variant: `foa` or `original`; see the head of this file.
        published: keep momentum and moving average when the model returns to the source, as the authors do.

    Raises:
        ValueError: if a filter, the perturbation or the recovery could never act, or would always.
    """
    margin = entropy_margin(margin_nats, 0.4, len(backbone.classes), "SAR's entropy margin")
    within(reset_below, 0, margin, "SAR's recovery threshold", "below its margin: no kept entropy lies outside")
    within(rho, 0, float("inf"), "SAR's radius", "a length")
    if variant not in ("foa", "original"):
        raise ValueError(f"SAR's variant is foa or original; got {variant!r}")
    return Sar(backbone, margin, rho, reset_below, lr, momentum, variant == "original", published)
