"""Common parts of the GPU checks."""

from __future__ import annotations

import statistics as st
import time
from collections.abc import Callable
from dataclasses import dataclass

import timm
import torch
from torch import Tensor

from mgtta.types import Method
from mgtta_cam.bench.speed.models import built as with_pictures
from mgtta_models import Backbone
from mgtta_models.precision import LOW


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table; `ok` is None for a figure without a verdict."""

    what: str
    figure: str
    ok: bool | None = None


def model(name: str, device: str) -> Backbone:
    """A model with random weights."""
    torch.manual_seed(0)
    return Backbone(timm.create_model(name, pretrained=False)).to(device)


def lowered(backbone: Backbone, precision: str) -> Backbone:
    """The model in a precision, as with --precision."""
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    if precision in LOW:
        backbone.lower(LOW[precision])
    return backbone


def built(name: str, backbone: Backbone) -> Method:
    """A method with a random generator and statistics of random pictures."""
    return with_pictures(name, backbone, torch.randn(4, 3, 224, 224, generator=torch.Generator().manual_seed(1)))


@torch.no_grad()
def answer(backbone: Backbone, x: Tensor) -> Tensor:
    """Logits."""
    return backbone(x).logits


def milliseconds(work: Callable[[], object], device: str, runs: int = 15) -> float:
    """Median time of a call, after three warm-up calls."""
    times = []
    for _ in range(runs + 3):
        start = time.perf_counter()
        work()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        times.append(1000 * (time.perf_counter() - start))
    return st.median(times[3:])
