"""Computations whose CUDA kernels are launched as one graph.

A GPU finishes the kernels of one picture, and those of an update in 16 bits, sooner than a processor can launch them
one by one.

Notation: b pictures, n scalars of the norm layers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from mgtta_models.backbone import Backbone
from mgtta_models.types import Engine, Output

T = TypeVar("T")
MOST = 16  # pictures of a recorded pass: more keep the GPU busy by themselves
RECORDING = threading.Lock()  # a recording begins with a look at the whole GPU, which may disturb another
WARM_UP = 2  # calls before a recording: what libraries set up at first uses does not belong to it


class Recorded(Generic[T]):
    """A computation that becomes a graph at its second call with inputs of the same shapes; off CUDA it stays plain.

    Args:
        compute: launches the same kernels at each call, on the current stream alone, and reads nothing of theirs. What
            it reads beside its inputs keeps its place in memory. It gives tensors, in tuples and mappings.
        first: its kernels go before those of other streams.
        keep: graphs, the newest; each holds the memory that its kernels need.
    """

    def __init__(self, compute: Callable[..., T], *, first: bool = False, keep: int = 1) -> None:
        self._compute, self._first, self._keep = compute, first, keep
        self._known: set[tuple[torch.Size, ...]] = set()
        self._graphs: dict[tuple[torch.Size, ...], tuple[tuple[Tensor, ...], Callable[[], None], T]] = {}

    def __call__(self, *inputs: Tensor) -> T:
        """What `compute` gives for the inputs; called by one thread at a time."""
        shapes = tuple(value.shape for value in inputs)
        if not recordable(inputs[0]) or shapes not in self._known:
            self._known.add(shapes)
            return self._compute(*inputs)
        if shapes not in self._graphs:
            own = tuple(value.clone() for value in inputs)
            while len(self._graphs) >= self._keep:
                self._graphs.pop(next(iter(self._graphs)))
            self._graphs[shapes] = own, *record(lambda: self._compute(*own), own[0].device, first=self._first)
        own, launch, result = self._graphs[shapes]
        for there, value in zip(own, inputs, strict=True):
            there.copy_(value)
        launch()
        return cloned(result)


class Graphed:
    """An engine whose passes of few pictures are recorded; called by one thread at a time.

    Args:
        compute: the pass, as `Recorded` wants it.
        most: pictures of a pass that is recorded.
        first: passes go before the kernels of other streams.
    """

    def __init__(self, compute: Engine, most: int = MOST, *, first: bool = True) -> None:
        self._compute, self._most = compute, most
        self._recorded = Recorded(compute, first=first, keep=MOST)

    @torch.no_grad()
    def __call__(self, x: Tensor, norms: Tensor) -> Output:
        """[b, 3, h, w] and norms [n], or [b, n] -> output, of all classes."""
        return (self._recorded if len(x) <= self._most else self._compute)(x, norms)

    def __deepcopy__(self, _: Mapping[int, object]) -> None:
        """A copy of a model may get other weights: it computes by itself."""


def by_one(backbone: Backbone) -> Engine:
    """The pass of this model as it is now, with norms [n] of any twin of it."""
    twin = backbone.twin()
    twin.engine = twin.kept = None

    def compute(x: Tensor, norms: Tensor) -> Output:
        twin.norm_vector.copy_(norms)
        return twin(x)

    return compute


def engine(backbone: Backbone, most: int = MOST, *, first: bool = True) -> Engine | None:
    """`Graphed` passes of this model as it is now, and of its twins; None off CUDA, where torch computes as it is."""
    return Graphed(by_one(backbone), most, first=first) if backbone.device.type == "cuda" else None


def recordable(x: Tensor) -> bool:
    """Whether what is computed from this can be a graph."""
    return x.is_cuda


def record(work: Callable[[], T], device: torch.device, *, first: bool) -> tuple[Callable[[], None], T]:
    """How to launch all that work launches, and the tensors that are then written anew."""
    now = aside = torch.cuda.current_stream(device)
    if first or now == torch.cuda.default_stream(device):  # which cannot be recorded
        last, most = now.priority_range()
        aside = torch.cuda.Stream(device, priority=most if first else last)
        aside.wait_stream(now)
    with torch.cuda.stream(aside):
        for _ in range(WARM_UP):
            work()
    aside.synchronize()
    graph = torch.cuda.CUDAGraph()
    with RECORDING, torch.cuda.graph(graph, stream=aside, capture_error_mode="thread_local"):  # other threads go on
        result = work()
    return graph.replay, result


def cloned(value: Any) -> Any:
    """A copy in which all tensors are copies."""
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, Mapping):
        return {name: cloned(part) for name, part in value.items()}
    if isinstance(value, tuple):
        parts: Any = map(cloned, value)
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value
