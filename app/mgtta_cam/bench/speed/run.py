"""Run `bench --speed` and show its tables: ratios first, because only they are comparable across machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from statistics import median

import torch
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from torch import Tensor

from mgtta_cam.bench.speed import models, streams
from mgtta_cam.bench.speed.timing import Timing
from mgtta_cam.config.settings import Settings
from mgtta_cam.outputs import progress
from mgtta_models import Backbone, ModelError
from mgtta_models.errors import needs

SECONDS = 8.0  # for each group of parts that are measured in turns
SPREAD = 30  # frames between pictures of the window
RATIOS = {
    "adapted_over_frozen_b64": "adapted step over frozen forward, windows of 64 (limit 2.0)",
    "onnx_over_torch_b1": "frames per second of ONNX Runtime over torch, one at a time",
    "generator_share_of_step": "generator and update, as a share of an adapted step of 64",
    "end_to_end_over_model": "frames per second from 720p file to picture, over the model alone",
    "answer_p99_background_over_none": "p99 of inference with background updates, over without",
}


def run(
    settings: Settings, backbone: Backbone, console: Console, play: streams.PlayRun
) -> tuple[list[Timing], dict[str, float | None]]:
    """Measure everything, print tables, and return rows and ratios."""
    needs("cma", "bench --speed", extra="bench")  # it times all methods
    settle = partial(torch.cuda.synchronize, backbone.device) if backbone.device.type == "cuda" else lambda: None
    x = window(backbone)
    rows: list[Timing] = []
    common = (x, settings.precision, SECONDS, settle)
    console.print(
        f"measuring the speed of {backbone.name} on {backbone.device}, {torch.get_num_threads()} threads; "
        "this takes minutes"
    )
    groups: dict[str, Callable[[], Iterable[Timing]]] = {
        "frozen and adapted": lambda: models.forwards(backbone, *common),
        "generator": lambda: [models.generator(backbone, *common)],
        "methods": lambda: models.methods(backbone, *common),
        "end to end": lambda: streams.end_to_end(settings, backbone, play),
        "corruptions": lambda: streams.corruptions(SECONDS),
    }
    with progress(console, "bench --speed", len(groups) + 1, "groups of parts") as work:
        for name, group in groups.items():
            work.advance(0, about=name)
            rows += group()
            work.advance()
        try:
            p99 = streams.answers(settings, backbone, play)
        except ModelError:  # no generator or statistics for this model
            p99 = {}
    found = ratios(rows, p99, settings.precision)
    console.print(of_ratios(found))
    console.print(of_times(rows))
    return rows, found


def window(backbone: Backbone) -> Tensor:
    """[64, 3, s, s]: clean frames of the embedded clip, on which methods that skip unreliable frames adapt too."""
    chosen = islice(streams.frames(), SPREAD, None, SPREAD + 1)  # SPREAD frames before each
    images = [backbone.preprocess(image) for image in islice(chosen, models.BATCHES[-1])]
    return torch.stack(images).to(backbone.device)


def ratios(rows: Sequence[Timing], p99: dict[str, float], precision: str) -> dict[str, float | None]:
    """The documented ratios by name, in this precision; None if a part was not measured."""

    def ms(what: str, batch: int = 1, runtime: str | None = None) -> float | None:
        asked = (what, batch, precision)
        found = [r.median_ms for r in rows if (r.what, r.batch, r.precision) == asked and runtime in (None, r.runtime)]
        return median(found) if found else None

    end_to_end_runtime = next((r.runtime for r in rows if r.what == "end to end 720p"), None)
    step, frozen = ms("adapted step", 64, "torch"), ms("frozen forward", 64, "torch")
    return {
        "adapted_over_frozen_b64": _over(step, frozen),
        "onnx_over_torch_b1": _over(ms("frozen forward", 1, "torch"), ms("frozen forward", 1, "onnx")),
        "generator_share_of_step": _over(ms("generator and update", 64), step),
        "end_to_end_over_model": _over(ms("frozen forward", 1, end_to_end_runtime), ms("end to end 720p")),
        "answer_p99_background_over_none": _over(p99.get("background"), p99.get("none")),
    }


def _over(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else round(one / other, 4)


def of_ratios(found: dict[str, float | None]) -> Table:
    """A table of ratios for the terminal."""
    table = Table("ratio", "", box=SIMPLE)
    for name, value in found.items():
        table.add_row(RATIOS[name], "-" if value is None else f"{value:.4g}")
    return table


def of_times(rows: Sequence[Timing]) -> Table:
    """A table of times for the terminal."""
    table = Table("part", "by", "type", box=SIMPLE)
    for column in ("batch", "ms", "spread", "per second"):
        table.add_column(column, justify="right")
    for row in rows:
        rate = 1000 * row.batch / row.median_ms
        numbers = (f"{row.median_ms:.2f}", f"{row.spread_ms:.2f}", f"{rate:.1f}")
        table.add_row(row.what, row.runtime, row.precision, str(row.batch), *numbers)
    return table
