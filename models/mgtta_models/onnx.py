"""A backbone as ONNX: run by ONNX Runtime while it adapts, or exported as a plain file.

The parameters of all norm layers are one input, a vector [n] in the model's order, so that each adapted set is used
by the next call, without another export. The file is kept in the user's cache, by the digest of the weights.

Notation: b batch, n scalars of the norm layers.
"""

from __future__ import annotations

import copy
import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mgtta_models import files
from mgtta_models.backbone import Backbone
from mgtta_models.errors import ModelError, reason
from mgtta_models.together import Apart
from mgtta_models.types import Output

OPSET = 20  # the first with GELU
FORMAT = 2  # of the cached files: a change of what is exported begins new ones
MOST_BYTES = 2**31  # of a file's tensors: protobuf holds no more


class Session:
    """A backbone's forward pass in ONNX Runtime, float32.

    Args:
        backbone: its weights beside the norms' are those of this moment, for good.
        threads: of the CPU.
        apart: each picture comes with norms of its own.

    Raises:
        ModelError: if the model cannot be exported, or the runtime cannot run it here.
    """

    runtime = "onnx"

    def __init__(self, backbone: Backbone, threads: int, *, apart: bool = False) -> None:
        onnxruntime = runtime()
        self.device = backbone.device
        onnxruntime.set_default_logger_severity(3)  # errors; of what comes before a session
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads are the update's
        if self.device.type == "cuda":
            onnxruntime.preload_dlls()  # those that torch brings
        self.providers = providers(self.device, onnxruntime.get_available_providers())
        there = os.path.exists(path_of(backbone, apart=apart))
        try:
            self._session = self._opened(cached(backbone, apart=apart), backbone, options, apart)
        except ModelError:
            if not there:
                raise
            self._session = self._opened(cached(backbone, apart=apart), backbone, options, apart)
        self._shapes: list[list[Any]] = [list(output.shape[1:]) for output in self._session.get_outputs()]

    def _opened(self, path: Path, backbone: Backbone, options: Any, apart: bool) -> Any:
        """The runtime's session; a file that is torn or another model's goes, so that the next try exports anew."""
        onnxruntime = runtime()
        try:
            session = onnxruntime.InferenceSession(path, options, self.providers)
            found = [(value.name, value.shape[1 if value.name == "pixels" else -1 :]) for value in session.get_inputs()]
            size = backbone.preprocess.size
            expected = [("pixels", [3, size, size]), ("norms", [backbone.norm_vector.numel()])]
            if found != expected or len(session.get_inputs()[1].shape) != 1 + apart:
                raise ValueError(f"{path} takes other inputs")
        except Exception as error:  # the runtime's errors have no common type
            path.unlink(missing_ok=True)
            raise ModelError(f"ONNX Runtime cannot run {backbone.name} here ({reason(error)})") from None
        return session

    def __call__(self, x: Tensor, norms: Tensor) -> Output:
        """[b, 3, h, w] and norms [n] (apart: [b, n]), where the model is -> its output, of all classes."""
        x, norms = x.detach().contiguous(), norms.detach().contiguous()
        outputs = [x.new_empty((len(x), *shape)) for shape in self._shapes]
        binding = self._session.io_binding()
        for named, tensors, bind in (
            (self._session.get_inputs(), (x, norms), binding.bind_input),
            (self._session.get_outputs(), outputs, binding.bind_output),
        ):
            for value, tensor in zip(named, tensors, strict=True):
                where = (tensor.device.type, tensor.device.index or 0)
                bind(
                    value.name, *where, element_type="float32", shape=tuple(tensor.shape), buffer_ptr=tensor.data_ptr()
                )
        if self.device.type == "cuda":
            torch.cuda.current_stream(self.device).synchronize()
        self._session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        return Output(*outputs)

    def __deepcopy__(self, _: Mapping[int, object]) -> None:
        """A copy of a model may get other weights: it computes by itself."""


def runtime() -> ModuleType:
    """The package onnxruntime, whichever of its builds is installed.

    Raises:
        ModelError: if none is.
    """
    try:
        return import_module("onnxruntime")
    except ImportError as error:
        way = "pip install onnxruntime, or onnxruntime-gpu"
        raise ModelError(f"ONNX Runtime cannot be imported ({reason(error)}): {way}") from None


def providers(device: torch.device, available: Sequence[str]) -> list[Any]:
    """What runs the graph: on CUDA, TensorRT where its library is there.

    Raises:
        ModelError: if this runtime has nothing for the device.
    """
    if device.type != "cuda":
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in available:
        raise ModelError("this ONNX Runtime has no CUDA: install onnxruntime-gpu, or leave --runtime to torch")
    own = {"device_id": device.index or 0}
    trt = "TensorrtExecutionProvider" in available and find_spec("tensorrt") is not None
    return [
        *([("TensorrtExecutionProvider", own)] if trt else []),
        ("CUDAExecutionProvider", {**own, "use_tf32": 0}),
        "CPUExecutionProvider",
    ]


def path_of(backbone: Backbone, *, apart: bool = False) -> Path:
    """Where the exported file of these weights is kept: mgtta-cam in XDG_CACHE_HOME, by default ~/.cache."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mgtta-cam"
    kind = f"{FORMAT}{'-apart' * apart}-torch{version('torch')}"
    return root / f"{backbone.digest[:16]}-{backbone.preprocess.size}-{kind}.onnx"


def cached(backbone: Backbone, *, apart: bool = False) -> Path:
    """The exported file with the norms as an input [n], or apart [b, n], made if it is not there.

    Raises:
        ModelError: if it cannot be made or kept.
    """
    path = path_of(backbone, apart=apart)
    if not os.path.exists(path):
        norms = backbone.norm_vector.cpu()
        function, norms = (Apart, norms.expand(2, -1)) if apart else (_Adapting, norms)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with files.whole(path) as part:
                _write(function, backbone, part, {"norms": norms}, ["logits", "features"], {})
        except OSError as error:
            raise ModelError(
                f"{path.parent} cannot be written ({error.strerror}): set XDG_CACHE_HOME to a folder for exports"
            ) from None
    return path


def export(backbone: Backbone, path: Path) -> None:
    """Writes the model as it is now, the norms like all weights, as ONNX: `pixels` [b, 3, h, w] -> `logits` [b, c].

    What belongs to the weights, as preprocessing and class names, stands in the file's metadata.

    Raises:
        ModelError: if the model cannot be exported.
        OSError: if the file cannot be written.
    """
    p = backbone.preprocess
    card = {
        "model": backbone.name,
        "classes": json.dumps(list(backbone.classes)),
        "preprocess": json.dumps({name: getattr(p, name) for name in p.__slots__}),
    }
    _write(_Plain, backbone, path, {}, ["logits"], card)


class _Adapting(nn.Module):
    """The forward pass as a function of the pictures and of the norms' parameters."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        self.backbone.kept = None
        self.sizes = {f"vit.{name}": p.numel() for name, p in backbone.norm_parameters().items()}

    def forward(self, pixels: Tensor, norms: Tensor) -> Output:
        values = dict(zip(self.sizes, norms.split(list(self.sizes.values())), strict=True))
        return functional_call(self.backbone, values, (pixels,))


class _Plain(nn.Module):
    """The forward pass, answers only."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, pixels: Tensor) -> Tensor:
        return self.backbone(pixels).logits


def _write(
    function: Callable[[Backbone], nn.Module],
    backbone: Backbone,
    path: Path,
    more: Mapping[str, Tensor],
    outputs: list[str],
    card: dict[str, str],
) -> None:
    if sum(p.numel() * 4 for p in backbone.parameters()) > MOST_BYTES:
        raise ModelError(f"{backbone.name} has more weights than one ONNX file holds (2 GB): use --runtime torch")
    size = backbone.preprocess.size
    module = function(copy.deepcopy(backbone).cpu().float())
    pixels = torch.zeros(2, 3, size, size)
    b = torch.export.Dim("b", min=1)
    shapes = ({0: b}, *({0: b} if value.ndim == 2 else None for value in more.values()))
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module,
                (pixels, *more.values()),
                input_names=["pixels", *more],
                output_names=outputs,
                dynamic_shapes=shapes,
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # the exporter's errors have no common type
        raise ModelError(f"{backbone.name} cannot be exported as ONNX ({reason(error)}): use --runtime torch") from None
    assert program is not None
    program.model.metadata_props.update(card)
    program.save(path, external_data=False)
