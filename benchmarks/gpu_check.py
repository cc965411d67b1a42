"""Run every check that needs a GPU and print one short table: `make gpu-check`.

Needs torch and timm with CUDA, but no network and no weights, because speed does not depend on their values. With
`../shared` (or a copy of its goldens in `shared/goldens`) the goldens are compared on the GPU too.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator

import timm
import torch

from benchmarks.gpu import equality, speed
from benchmarks.gpu.common import Finding

CHECKS: dict[str, Callable[[str, str, int], Iterator[Finding]]] = {
    "golden": lambda device, *_: equality.golden(device),
    "kernels": lambda device, *_: equality.kernels(device),
    "agreement": lambda device, *_: equality.agreement(device),
    "background": equality.background,
    "waiting": speed.waiting,
    "rollback": lambda device, name, _: speed.rollback(device, name),
    "together": lambda device, name, _: equality.together(device, name),
    "launches": speed.launches,
    "onnx": lambda device, name, _: equality.onnx_runtime(device, name),
    "speed": speed.speed,
}


def main() -> int:
    """Run the checks and print the table; returns 1 if one failed, 2 without CUDA."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="CHECK", help=f"all by default: {', '.join(CHECKS)}")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--model", default="vit_base_patch16_224")
    parser.add_argument("--batch", type=int, default=64)
    options = parser.parse_args()
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        print("gpu-check needs a CUDA device, but torch finds none; use --device cpu to try the script itself")
        return 2
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # for --deterministic
    where = torch.cuda.get_device_name() if options.device.startswith("cuda") else "CPU"
    print(f"{where}, torch {torch.__version__}, timm {timm.__version__}")
    failed = 0
    for name in options.names or CHECKS:
        began = time.perf_counter()
        for finding in CHECKS[name](options.device, options.model, options.batch):
            failed += finding.ok is False
            verdict = {True: "ok", False: "FAILED", None: ""}[finding.ok]
            print(f"{finding.what:<92} {finding.figure:<34} {verdict}", flush=True)
        print(f"-- {name}: {time.perf_counter() - began:.0f} s", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
