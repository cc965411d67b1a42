"""Every check that needs a GPU, as one short table: `make gpu-check`.

Needs torch and timm with CUDA, no network and no weights: speed does not depend on their values. With `../shared` (or a
copy of its goldens in `shared/goldens`) the goldens are compared on the GPU too.
"""

from __future__ import annotations

import argparse
import os
import statistics as st
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
from torch import Tensor

from app.background import Background
from app.bench.speed.models import built as with_pictures
from mgtta import METHODS, MetaGradientGenerator, norm_parameters
from mgtta.adapter import Adapter
from mgtta.guard import Guarded
from mgtta.history import History
from mgtta.learned import Learned
from mgtta.memory import member
from mgtta.parameters import flatten, unflatten
from mgtta.types import Method, Tensors, Transform
from models import Backbone, ModelError
from models.graphs import Graphed, by_one
from models.onnx import Session
from models.precision import LOW, PRECISIONS
from models.together import by_torch
from tests import goldens
from tests.benchmarks.generator import Batched, closed_form, kernel
from tests.mgtta.test_kernels import deployed, generic, reference

ROOT = Path(__file__).resolve().parents[1]
MB = 2**20


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


def built(name: str, backbone: Backbone) -> Method:
    """A method with a random generator and statistics of random pictures."""
    return with_pictures(name, backbone, torch.randn(4, 3, 224, 224, generator=torch.Generator().manual_seed(1)))


def kernels(device: str) -> Iterator[Finding]:
    """The generator's step by kernels against the plain module, and against the authors' way, for a ViT-B's scalars."""
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
    yield Finding("generator's step: authors' way over kernel", f"{theirs / own:.1f}", theirs / own >= 10)


def agreement(device: str) -> Iterator[Finding]:
    """The GPU computes what the CPU does, and with --deterministic twice the same."""
    deterministic(True)
    x = torch.randn(3, 8, 3, 224, 224, generator=torch.Generator().manual_seed(2))

    def run(name: str, where: str) -> Tensor:
        method = built(name, model("vit_tiny_patch16_224", where))
        for window in x:
            method.step(window.to(where))
        return torch.cat([p.detach().flatten().cpu() for p in method.parameters().values()])

    for name in METHODS:
        here, there, again = run(name, "cpu"), run(name, device), run(name, device)
        apart, same = (here - there).abs().max().item(), torch.equal(there, again)
        near = name == "foa" or apart < 1e-3  # a search may choose another candidate of nearly equal fitness
        figure = f"{apart:.1e}; {'equal' if same else 'differs'}"
        yield Finding(f"{name}: adapted parameters after 3 steps, CPU against GPU; twice", figure, near and same)
    deterministic(False)


def deterministic(sure: bool) -> None:
    """As --deterministic has it."""
    torch.use_deterministic_algorithms(sure)
    torch.backends.cuda.enable_flash_sdp(not sure)
    torch.backends.cuda.enable_mem_efficient_sdp(not sure)
    torch.backends.cuda.enable_cudnn_sdp(not sure)


def golden(device: str) -> Iterator[Finding]:
    """MGTTA's golden on the GPU."""
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
    norm = torch.cat([p.detach().flatten().cpu() for p in method.parameters().values()])
    apart = (norm - torch.from_numpy(numbers["norm"][-1])).abs().max().item()
    yield Finding("golden of MGTTA: norm parameters after 6 steps", f"{apart:.1e}", apart < 1e-4)


def beside(device: str, name: str, batch: int) -> Iterator[Finding]:
    """Lessons on a thread, on CUDA in a stream of their own, teach what others teach: to the bit if kernels do."""
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
            learner.teach([member(i, x, 0) for i, x in enumerate(window)])
            while learner.taught() is None:
                learner.predict(window[:1])
                time.sleep(0.005)
        there, here = learner.state_dict(), inline.state_dict()
        learner.close()
        apart = max((there[key].float() - here[key].float()).abs().max().item() for key in here)
        what = f"{name}: lessons in the background against inline ones, {'deterministic' if sure else 'any'} kernels"
        yield Finding(what, f"{apart:.1e}", apart == 0 if sure else None)


def waiting(device: str, name: str, batch: int) -> Iterator[Finding]:
    """How long an answer takes, alone and while lesson follows lesson, as a run has them: a frame each 5 ms."""
    for precision in ("bf16", "fp32"):
        backbone = lowered(model(name, device), precision)
        answering, learning = backbone.twin(), backbone.twin()
        if device.startswith("cuda"):
            answering.engine = Graphed(by_one(backbone))
            learning.engine = Graphed(by_one(backbone), batch, first=False)
        threads = torch.get_num_threads()
        learner = Background(built("mgtta", answering), Guarded(built("mgtta", learning)), threads)
        window = torch.randn(batch, 3, 224, 224, generator=torch.Generator().manual_seed(2)).to(device)
        members, frame = [member(i, x, 0) for i, x in enumerate(window)], torch.randn(1, 3, 224, 224)

        def answers(count: int, frame: Tensor = frame, learner: Background = learner) -> list[float]:
            times = []
            for _ in range(count):
                start = time.perf_counter()
                learner.predict(frame.to(device)).cpu()
                times.append(1000 * (time.perf_counter() - start))
                time.sleep(0.005)
            return times

        answers(20)
        alone, meanwhile, lessons = answers(400), [], 0
        while len(meanwhile) < 400:
            learner.teach(members)
            while learner.taught() is None:
                given = answers(1)
                meanwhile += given if lessons >= 3 else []  # the first are slower: they are recorded
            lessons += 1
        learner.close()
        p99 = [st.quantiles(times, n=100)[98] for times in (alone, meanwhile)]
        what = f"{name} {precision}: p99 of an answer, alone and beside lessons ({len(meanwhile)})"
        ok = p99[1] / p99[0] <= 1.2 if precision == "bf16" and device.startswith("cuda") else None
        yield Finding(what, f"{p99[0]:.2f}, {p99[1]:.2f} ms: {p99[1] / p99[0]:.2f}", ok)


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


def lowered(backbone: Backbone, precision: str) -> Backbone:
    """As --precision has it."""
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    if precision in LOW:
        backbone.lower(LOW[precision])
    return backbone


def speed(device: str, name: str, batch: int) -> Iterator[Finding]:
    """Frozen and adapted throughput, the generator's share, and what adaptation costs in memory."""
    cuda = device.startswith("cuda")
    for precision in PRECISIONS:
        if cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        backbone, x = lowered(model(name, device), precision), torch.randn(batch, 3, 224, 224, device=device)
        asked = cuda and precision == "bf16"  # the bars are for this
        method = built("mgtta", backbone)
        adapted = milliseconds(lambda m=method, x=x: m.step(x), device)
        if cuda:
            peak = torch.cuda.max_memory_allocated() / MB
            yield Finding(f"{name} {precision}: peak memory", f"{peak:.0f} MB", peak <= 5200 if asked else None)
            backbone.engine = Graphed(by_one(backbone), batch)
        frozen = milliseconds(lambda m=method, x=x: m.predict(x), device)
        rate, ratio = 1000 * batch / adapted, adapted / frozen
        yield Finding(f"{name} {precision} batch {batch}: frozen", f"{1000 * batch / frozen:.0f} pictures/s")
        yield Finding(
            f"{name} {precision} batch {batch}: adapted", f"{rate:.0f} pictures/s", rate >= 2500 if asked else None
        )
        yield Finding(
            f"{name} {precision} batch {batch}: adapted / frozen", f"{ratio:.2f}", ratio <= 2.1 if cuda else None
        )
        norms = {key: p.detach() for key, p in norm_parameters(backbone).items()}
        gradients = unflatten(1e-3 * torch.randn(flatten(norms).shape, device=device), norms)
        assert isinstance(method, Adapter)
        learned, transform = method.learned, method.transform
        state = learned.state.optimizer

        @torch.no_grad()
        def update(learned: Learned = learned, transform: Transform = transform, given: Tensors = gradients) -> None:
            nonlocal state
            updates, state = transform.update(given, state)
            learned.move(updates, 1e-3)

        share = 100 * milliseconds(update, device, 50) / adapted
        what = f"{name} {precision}: generator and update, share of a step"
        yield Finding(what, f"{share:.2f} %", share <= 1 if asked else None)


def together(device: str, name: str, streams: int = 16) -> Iterator[Finding]:
    """Pictures of many streams in one pass, each with norms of its own, against one pass for each."""
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
    yield Finding(f"{name}: {streams} streams in one pass against one each", f"{apart:.1e}", apart < 1e-3)
    at_once, each = milliseconds(lambda: compute(x, norms), device), milliseconds(alone, device)
    yield Finding(
        f"{name}: a frame of each of {streams} streams, at once and one each", f"{at_once:.1f}, {each:.1f} ms"
    )


def launches(device: str, name: str, batch: int) -> Iterator[Finding]:
    """What it brings to launch an answer as a graph, and where its picture comes from."""
    for precision in ("fp32", "bf16"):
        backbone = lowered(model(name, device), precision)
        graphed = backbone.twin()
        graphed.engine = Graphed(by_one(backbone), batch) if device.startswith("cuda") else None
        for size in (1, batch):
            x = torch.randn(size, 3, 224, 224, device=device)
            apart = (answer(backbone, x) - answer(graphed, x)).abs().max().item()
            one, other = (milliseconds(lambda m=m, x=x: answer(m, x), device) for m in (backbone, graphed))
            what = f"{name} {precision} batch {size}: kernel by kernel, as a graph"
            yield Finding(what, f"{one:.2f}, {other:.2f} ms ({apart:.0e} apart)", apart < 1e-3)
    if device.startswith("cuda"):
        frame = torch.zeros(1, 3, 224, 224)
        ways = (frame, frame.pin_memory())
        one, other = (milliseconds(lambda x=x: x.to(device, non_blocking=True), device, 50) for x in ways)
        yield Finding("a picture to the GPU, from pageable, from pinned memory", f"{one:.3f}, {other:.3f} ms")


def onnx_runtime(device: str, name: str) -> Iterator[Finding]:
    """Answers by ONNX Runtime against torch's, after the norms have changed too."""
    backbone = lowered(model(name, device), "fp32")
    quick = backbone.twin()
    try:
        quick.engine = session = Session(backbone, torch.get_num_threads())
    except ModelError as error:
        yield Finding("ONNX Runtime", f"skipped: {error}")
        return
    yield Finding("ONNX Runtime by", ", ".join(str(p if isinstance(p, str) else p[0]) for p in session.providers))
    graphed = backbone.twin()
    graphed.engine = Graphed(by_one(backbone)) if device.startswith("cuda") else None
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


@torch.no_grad()
def answer(backbone: Backbone, x: Tensor) -> Tensor:
    """Logits."""
    return backbone(x).logits


def rollback(device: str, name: str) -> Iterator[Finding]:
    """How long it takes to return to a snapshot of all that was learned."""
    method, history = built("mgtta", model(name, device)), History()
    method.step(torch.randn(2, 3, 224, 224, device=device))

    def back() -> None:
        history.take(method, 1)
        history.undo(method)

    took, both = (milliseconds(work, device) for work in (lambda: history.take(method, 1), back))
    yield Finding(f"{name}: to keep what was learned, and with the return to it", f"{took:.2f} and {both:.2f} ms")


CHECKS: dict[str, Callable[[str, str, int], Iterator[Finding]]] = {
    "golden": lambda device, *_: golden(device),
    "kernels": lambda device, *_: kernels(device),
    "agreement": lambda device, *_: agreement(device),
    "beside": beside,
    "waiting": waiting,
    "rollback": lambda device, name, _: rollback(device, name),
    "together": lambda device, name, _: together(device, name),
    "launches": launches,
    "onnx": lambda device, name, _: onnx_runtime(device, name),
    "speed": speed,
}


def main() -> int:
    """Runs all checks and prints the table; 1 if one failed, 2 without CUDA."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="CHECK", help=f"all by default: {', '.join(CHECKS)}")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--model", default="vit_base_patch16_224")
    parser.add_argument("--batch", type=int, default=64)
    options = parser.parse_args()
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        print("gpu-check needs a CUDA device, and torch sees none here; --device cpu tries the script itself")
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
