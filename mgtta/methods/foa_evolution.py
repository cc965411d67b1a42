"""pycma's evolution strategy with a state that can be saved as tensors, and random draws of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mgtta_models.errors import needs

# what one generation leaves to the next: dotted names in pycma's CMAEvolutionStrategy
ARRAYS = ("mean", "mean_old", "mean_old_old", "pc", "pc2", "adapt_sigma.ps", "sm.C", "sm.B", "sm.D", "dC")
FLOATS = ("sigma", "_sigma_old", "adapt_sigma.delta", "adapt_sigma._last_multiplier")
COUNTS = (
    *("countiter", "countevals", "itereigenupdated", "_isotropic_mean_shift_iteration"),
    *("adapt_sigma._ps_updated_iteration", "sm.last_update", "sm.count_tell", "sm.count_eigen"),
    "sent_solutions.last_iteration",
)
COLUMNS = ("sm.B",)  # as LAPACK gives it: in another order in memory, products round otherwise
GAUSS = ("has_gauss", "gauss")  # the second of two normal numbers that are drawn together


class Evolution:
    """CMA-ES with full covariance around zero.

    Args:
        n: dimensions.
        sigma: first step size.
        population: candidates a generation.
        seed: of its draws; numpy's global generator, which pycma would use, is left alone.

    Raises:
        MissingPackageError: if pycma is not installed.
    """

    def __init__(self, n: int, sigma: float, population: int, seed: int) -> None:
        needs("cma", "the method foa", extra="foa")
        import cma

        self._draws = np.random.RandomState(seed)
        options = {"popsize": population, "randn": self._draws.randn, "seed": np.nan, "maxiter": np.inf, "verbose": -9}
        self._strategy: Any = cma.CMAEvolutionStrategy(np.zeros(n), sigma, options)

    def ask(self) -> list[NDArray[np.float64]]:
        """The next candidates, [n] each."""
        return self._strategy.ask()

    def tell(self, candidates: Sequence[NDArray[np.float64]], losses: Sequence[float]) -> None:
        """Reports the losses of candidates, further ones among them if need be."""
        self._strategy.tell(list(candidates), list(losses))

    @property
    def sigma(self) -> float:
        """The step size now."""
        return float(self._strategy.sigma)

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of all that the next generation depends on."""
        draws: Any = self._draws.get_state(legacy=False)
        twister = draws["state"]
        draws = {"key": twister["key"].astype(np.int64), "pos": twister["pos"]} | {n: draws[n] for n in GAUSS}
        values = {name: _get(self._strategy, name) for name in (*ARRAYS, *FLOATS, *COUNTS)}
        return {
            name: torch.from_numpy(np.array(value)) for name, value in {**values, **draws}.items() if value is not None
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Continues from what `state_dict` gave."""
        self._strategy.ask()  # starts what pycma makes at its first use
        for name in (*ARRAYS, *FLOATS, *COUNTS):
            if name in state:
                value = np.array(state[name].cpu().numpy(), order="F" if name in COLUMNS else "C")
                _set(self._strategy, name, value if name in ARRAYS else value.item())
        twister = {"key": state["key"].cpu().numpy().astype(np.uint32), "pos": state["pos"].item()}
        gauss = {name: state[name].item() for name in GAUSS}
        self._draws.set_state({"bit_generator": "MT19937", "state": twister, **gauss})


def _get(thing: Any, name: str) -> Any:
    for part in name.split("."):
        thing = getattr(thing, part, None)
    return thing


def _set(thing: Any, name: str, value: Any) -> None:
    *path, last = name.split(".")
    for part in path:
        thing = getattr(thing, part)
    setattr(thing, last, value)
