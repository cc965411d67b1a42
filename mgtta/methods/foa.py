"""FOA: test-time model adaptation with only forward passes (arXiv 2404.01650).

CMA-ES searches three prompt tokens: each window tries 27 candidates and the best so far, whose fitness is summed
entropy plus feature discrepancy (Eqn. 5); the window's answer is that of its best candidate, with the class token moved
from the average of the windows before to the source mean (Eqns. 7-9). No weight changes and nothing is differentiated.

Departure: a window of one picture, which has no spread, is answered with the best prompt so far and skipped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from mgtta.adapter import NOT_FINITE
from mgtta.learned import Learned
from mgtta.logits import entropy
from mgtta.losses import discrepancy
from mgtta.methods.foa_evolution import Evolution
from mgtta.methods.foa_shift import TokenMean, shift
from mgtta.selection import within
from mgtta.statistics import SourceStatistics
from mgtta.types import Step, Tensors
from mgtta_models import Classifier


class Trial(NamedTuple):
    """One candidate on one window."""

    loss: float  # its fitness; the lower the better
    logits: Tensor  # [b, c], shifted
    token: Tensor  # [d] mean class token


class Foa:
    """The best prompts so far, and the search for better ones. See `foa` for the arguments."""

    probabilities = False

    def __init__(
        self,
        backbone: Classifier,
        statistics: SourceStatistics,
        prompts: int,
        population: int,
        sigma: float,
        discrepancy_weight: float,
        seed: int,
    ) -> None:
        self.backbone, self.statistics = backbone, statistics.on(backbone)
        self.weight, self.target = discrepancy_weight, self.statistics.mean[-backbone.width :]
        self._evolution = lambda: Evolution(prompts * len(self.target), sigma, population, seed)
        start = _first(backbone, prompts, seed)
        self.learned = Learned({"prompts": nn.Parameter(start)}, lambda _: TokenMean.empty(self.target))
        start.requires_grad_(False)
        self.evolution = self._evolution()

    @property
    def best(self) -> Tensor:
        """[p, d] the prompts that did best so far."""
        return self.learned.parameters["prompts"]

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, c] with the best prompts so far; `step` may find better ones for its window."""
        z = self.backbone(x, self.best).features[:, -1]
        return self.backbone.classify(z + shift(self.learned.state, self.target))

    def step(self, x: Tensor, candidates: Tensor | None = None, *, scale: float = 1.0) -> Step:  # noqa: ARG002
        """Tries candidates on the window, answers with the best of them, and reports to the search how they did.

        Args:
            x: [b, 3, h, w].
            candidates: [k, p * d] in place of those of the search; the best so far is not added to them.
            scale: not used, as there is no rate.
        """
        with torch.inference_mode(False), torch.no_grad():
            x = x.clone() if x.is_inference() else x
            if len(x) < 2:
                return Step(self.predict(x), {}, "window_too_small")
            known = self._tried(x, self.best)
            if not math.isfinite(known.loss):
                return Step(known.logits, {}, NOT_FINITE)
            vectors = self.evolution.ask()
            if candidates is not None:
                vectors = list(candidates.double().cpu().numpy())
            trials = [self._tried(x, self._prompts(vector)) for vector in vectors]
            if candidates is None:
                vectors, trials = [*vectors, self.best.double().flatten().cpu().numpy()], [*trials, known]
            losses = [trial.loss if math.isfinite(trial.loss) else math.inf for trial in trials]
            best = int(np.argmin(losses))
            self.evolution.tell(vectors, losses)
            self.learned.assign({"prompts": self._prompts(vectors[best])})
            self.learned.state = self.learned.state.after(torch.stack([trial.token for trial in trials]).mean(dim=0))
        stats = {"loss": losses[best], "spread": max(losses) - losses[best], "sigma": self.evolution.sigma}
        return Step(trials[best].logits, stats)

    def _prompts(self, vector: np.ndarray) -> Tensor:
        return torch.from_numpy(vector).to(self.best).view_as(self.best)

    def _tried(self, x: Tensor, prompts: Tensor) -> Trial:
        output = self.backbone(x, prompts)
        z = output.features[:, -1]
        drift = discrepancy(output.features, self.statistics) * (self.weight * len(x) / 64)
        loss = (entropy(output.logits).sum() + drift).item()
        logits = self.backbone.classify(z + shift(self.learned.state, self.target))
        return Trial(loss, logits, z.mean(dim=0))

    def reset(self) -> None:
        """Returns to the first prompts and begins a new search."""
        self.learned.reset()
        self.evolution = self._evolution()

    def parameters(self) -> Tensors:
        """The best prompts so far."""
        return self.learned.parameters

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of the best prompts, the average class token, and the search."""
        search = {f"evolution.{name}": tensor for name, tensor in self.evolution.state_dict().items()}
        return self.learned.state_dict() | search

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restores what `state_dict` gave; a ValueError if it is another method's."""
        search = {n.removeprefix("evolution."): t for n, t in state.items() if n.startswith("evolution.")}
        self.learned.load_state_dict({name: t for name, t in state.items() if not name.startswith("evolution.")})
        self.evolution = self._evolution()
        self.evolution.load_state_dict(search)


def foa(
    backbone: Classifier,
    statistics: SourceStatistics,
    prompts: int = 3,
    population: int = 27,
    sigma: float = 1.0,
    discrepancy_weight: float = 0.4,
    seed: int = 2020,
) -> Foa:
    """Prompts that evolution finds.

    Args:
        backbone: the source model.
        statistics: of the same source model on clean pictures.
        prompts: how many tokens.
        population: candidates a window, beside the best so far.
        sigma: first step size of the search.
        discrepancy_weight: lambda; 0.2 for ImageNet-R in the authors' code.
        seed: of the search and of the first prompts.

    Raises:
        MissingPackageError: if pycma is not installed; `pip install "mgtta-cam[foa]"` installs it.
        ModelError: if the statistics are another model's.
        ValueError: if a number is out of its range.
    """
    if not (1 <= prompts <= 100 and 4 <= population <= 1000):
        raise ValueError(f"1 to 100 prompts and 4 to 1,000 candidates are expected; got {prompts} and {population}")
    within(sigma, 0, float("inf"), "FOA's first step size", "a length")
    return Foa(backbone, statistics, prompts, population, sigma, discrepancy_weight, seed)


def _first(backbone: Classifier, prompts: int, seed: int) -> Tensor:
    """[p, d] uniform, as wide as the authors' initialization of a patch embedding."""
    patch, d = backbone.patch, backbone.width
    bound = math.sqrt(6 / (3 * patch[0] * patch[1] + d))
    draw = torch.Generator().manual_seed(seed)
    return ((torch.rand(prompts, d, generator=draw) * 2 - 1) * bound).to(backbone.device)
