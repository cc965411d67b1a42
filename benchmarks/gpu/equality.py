"""GPU checks of equality: with the CPU, between implementations, and between repeated runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.generator import Batched, closed_form, kernel
from benchmarks.gpu.common import Finding, answer, built, lowered, milliseconds, model
from mgtta import METHODS, MetaGradientGenerator
from mgtta.guard import Guarded
from mgtta.memory import member
from mgtta.parameters import flatten
from mgtta_cam.adaptation.background import Background
from mgtta_cam.assembly.model import deterministic
from mgtta_models import ModelError, graphs
from mgtta_models.onnx import Session
from mgtta_models.together import by_torch
from tests import goldens
from tests.mgtta.test_kernels import deployed, generic, reference

ROOT = Path(__file__).resolve().parents[2]


def golden(device: str) -> Iterator[Finding]:
    """Compare MGTTA's golden on the GPU."""
    found = [folder for folder in (ROOT.parent / "shared", ROOT / "shared") if (folder / "goldens" / "mgg").is_dir()]
    if not found:
        yield Finding("golden of MGTTA", "skipped: no ../shared")
        return
    common, numbers = goldens.load(found[0], "tiny_vit_common"), goldens.load(found[0], "mgtta_tiny_vit")
    method = METHODS["mgtta"](
        goldens.backbone(common).to(device),
        generator=goldens.generator(numbers, "mgg/"),
        statistics=goldens.statistics(common),
    )
    for pictures in common["images_u8"]:
        method.step(goldens.inputs(pictures).to(device))
    norm = flatten(method.parameters()).detach().cpu()
    apart = (norm - torch.from_numpy(numbers["norm"][-1])).abs().max().item()
    yield Finding("golden of MGTTA: norm parameters after 6 steps", f"{apart:.1e}", apart < 1e-4)


def kernels(device: str) -> Iterator[Finding]:
    """Compare the generator's kernel with the plain module and the authors' way, for a ViT-B's scalars."""
    n = 38_400
    u, state = deployed(n, generator=generic().to(device))
    pairs = zip((u, state.W, state.b), reference(n), strict=True)
    apart = max((one.cpu().double() - other).abs().max().item() for one, other in pairs)
    yield Finding(
        "generator's step, four times: kernel against the plain module in float64", f"{apart:.1e}", apart < 5e-5
    )
    gradients = [{"p": 1e-3 * torch.randn(n).to(device)}]
    with torch.no_grad():
        ways = (kernel, closed_form, Batched)
        steps = [way(MetaGradientGenerator(1).to(device), n) for way in ways]
        own, plainly, theirs = (milliseconds(lambda step=step: step(gradients[0]["p"]), device, 50) for step in steps)
    yield Finding("generator's step: kernel, plain module, authors' way", f"{own:.3f}, {plainly:.3f}, {theirs:.3f} ms")
    ok = theirs / own >= 10 if device.startswith("cuda") else None  # the CPU's: benchmarks.generator
    yield Finding("generator's step: authors' way over kernel", f"{theirs / own:.1f}", ok)


def agreement(device: str) -> Iterator[Finding]:
    """Check that the GPU agrees with the CPU, and with itself under --deterministic."""
    deterministic(True)
    x = torch.randn(3, 8, 3, 224, 224, generator=torch.Generator().manual_seed(2))

    def run(name: str, where: str) -> Tensor:
        method = built(name, model("vit_tiny_patch16_224", where))
        for window in x:
            method.step(window.to(where))
        return flatten(method.parameters()).detach().cpu()

    for name in METHODS:
        here, there, again = run(name, "cpu"), run(name, device), run(name, device)
        apart, same = (here - there).abs().max().item(), torch.equal(there, again)
        near = name == "foa" or apart < 1e-3  # a search may choose another candidate of nearly equal fitness
        figure = f"{apart:.1e}; {'equal' if same else 'differs'}"
        yield Finding(f"{name}: adapted parameters after 3 steps, CPU against GPU; twice", figure, near and same)
    deterministic(False)


def background(device: str, name: str, batch: int) -> Iterator[Finding]:
    """Compare updates on a thread (with their own CUDA stream) with inline ones: bit-exact if the kernels are."""
    windows = torch.randn(4, batch, 3, 224, 224, generator=torch.Generator().manual_seed(2)).to(device)
    for sure in (True, False):
        deterministic(sure)
        backbone = model(name, device)
        inline = built("mgtta", backbone.twin())
        learner = Background(
            built("mgtta", backbone.twin()), Guarded(built("mgtta", backbone)), torch.get_num_threads()
        )
        for window in windows:
            inline.step(window)
            learner.begin_update([member(i, x, 0) for i, x in enumerate(window)])
            while learner.finished_update() is None:
                learner.predict(window[:1])
                time.sleep(0.005)
        there, here = learner.state_dict(), inline.state_dict()
        learner.close()
        apart = max((there[key].float() - here[key].float()).abs().max().item() for key in here)
        what = f"{name}: updates in the background against inline ones, {'deterministic' if sure else 'any'} kernels"
        yield Finding(what, f"{apart:.1e}", apart == 0 if sure else None)


def together(device: str, name: str, streams: int = 16) -> Iterator[Finding]:
    """Compare one pass over pictures of many streams, each with its own norms, with one pass per stream."""
    backbone = model(name, device)
    twins = [backbone.twin() for _ in range(streams)]
    for i, twin in enumerate(twins):
        twin.norm_vector.mul_(1 + i / 1000)
    norms, x = torch.stack([twin.norm_vector for twin in twins]), torch.randn(streams, 3, 224, 224, device=device)
    compute = by_torch(backbone)

    @torch.no_grad()
    def alone() -> torch.Tensor:
        return torch.cat([twin(one.unsqueeze(0)).logits for twin, one in zip(twins, x, strict=True)])

    apart = (compute(x, norms).logits - alone()).abs().max().item()
    yield Finding(f"{name}: {streams} streams in one pass against separate passes", f"{apart:.1e}", apart < 1e-3)
    at_once, each = milliseconds(lambda: compute(x, norms), device), milliseconds(alone, device)
    yield Finding(
        f"{name}: one frame from each of {streams} streams, together and separately", f"{at_once:.1f}, {each:.1f} ms"
    )


def onnx_runtime(device: str, name: str) -> Iterator[Finding]:
    """Compare ONNX Runtime's logits with torch's, also after the norms have changed."""
    backbone = lowered(model(name, device), "fp32")
    quick = backbone.twin()
    try:
        quick.engine = session = Session(backbone, torch.get_num_threads())
    except ModelError as error:
        yield Finding("ONNX Runtime", f"skipped: {error}")
        return
    yield Finding(
        "ONNX Runtime providers", ", ".join(str(p if isinstance(p, str) else p[0]) for p in session.providers)
    )
    graphed = backbone.twin()
    graphed.engine = graphs.engine(backbone)
    for size in (1, 8):
        x = torch.randn(size, 3, 224, 224, device=device)
        for factor in (1.0, 1.1):
            for twin in (backbone, quick, graphed):
                twin.norm_vector.mul_(factor)
            apart = (answer(backbone, x) - answer(quick, x)).abs().max().item()
            yield Finding(f"{name} batch {size}: ONNX Runtime against torch", f"{apart:.1e}", apart < 1e-4)
        ways = [milliseconds(lambda m=m, x=x: answer(m, x), device, 50) for m in (backbone, graphed, quick)]
        times = ", ".join(f"{ms:.2f}" for ms in ways)
        yield Finding(f"{name} batch {size}: torch, torch as a graph, ONNX Runtime", f"{times} ms")
