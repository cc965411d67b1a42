"""The model: where and how it computes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mgtta_cam.adaptation import allocator
from mgtta_cam.config.settings import Settings
from mgtta_cam.errors import UsageError
from mgtta_cam.events import EventHandler

if TYPE_CHECKING:
    from mgtta_models import Backbone
    from mgtta_models.backbone import Engine
    from mgtta_models.onnx import Session


def device(name: str) -> str:
    """`auto` is CUDA where there is a GPU, and the CPU elsewhere."""
    import torch

    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


def load_model(settings: Settings) -> Backbone:
    """Loads the model, and sets how it computes.

    Raises:
        ModelError: if it cannot be loaded.
    """
    from mgtta_models import load_backbone

    set_up_torch(settings)
    where = device(settings.device)
    names = ("crop_pct", "interpolation", "mean", "std")
    preprocess = {"size": settings.img_size, **{name: getattr(settings, name) for name in names}}
    backbone = load_backbone(settings.model, settings.weights, where, settings.precision, settings.labels, preprocess)
    return _kept_in_memory(backbone)


def adopt_model(settings: Settings, given: Backbone) -> Backbone:
    """A twin of the calling program's model; the twin adapts, and the norms of the given model do not change."""
    set_up_torch(settings)
    return _kept_in_memory(given.twin())


def set_up_torch(settings: Settings) -> None:
    """Sets threads, seed and determinism as the settings say; a run before this one may have left them otherwise."""
    import cv2
    import torch

    if settings.threads:
        torch.set_num_threads(settings.threads)
        cv2.setNumThreads(settings.threads)
    torch.manual_seed(settings.seed)
    deterministic(settings.deterministic)


def _kept_in_memory(backbone: Backbone) -> Backbone:
    if backbone.device.type == "cpu" and sum(p.numel() for p in backbone.parameters()) >= allocator.LARGE:
        allocator.keep_memory()
    return backbone


def deterministic(sure: bool) -> None:
    """Uses only kernels that give the same bits every time, or any again."""
    import torch

    if sure:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS may pick another order of sums
    if sure != torch.are_deterministic_algorithms_enabled():  # the setter imports torch's compiler: seconds
        torch.use_deterministic_algorithms(sure)
    torch.backends.cuda.enable_flash_sdp(not sure)
    torch.backends.cuda.enable_mem_efficient_sdp(not sure)
    torch.backends.cuda.enable_cudnn_sdp(not sure)


def accelerate(settings: Settings, backbone: Backbone, emit: EventHandler, *, together: bool = False) -> None:
    """Sets the engine: ONNX Runtime if --runtime says so or it is known to be faster; otherwise, on CUDA, graphs.

    Args:
        settings: all options.
        backbone: gets the engine.
        emit: gets events: an export, or why torch predicts.
        together: twins of the model serve several streams, and share passes where they ask at the same time.

    Raises:
        ModelError, UsageError: if the runtime was requested and cannot be used.
    """
    from mgtta_models import graphs
    from mgtta_models import together as many

    engine: Engine | None = _onnx(settings, backbone, emit, apart=together)
    if together:
        engine = many.Together(engine or graphs.Graphed(many.by_torch(backbone)))
    backbone.engine = engine or graphs.engine(backbone)


def _onnx(settings: Settings, backbone: Backbone, emit: EventHandler, *, apart: bool) -> Session | None:
    import torch

    from mgtta_models import ModelError, onnx

    best = backbone.device.type == "cpu" and backbone.dtype == torch.float32
    if settings.runtime == "torch" or (settings.runtime == "auto" and not best):
        return None
    if backbone.dtype != torch.float32:
        raise UsageError("--runtime onnx computes in float32: use --precision fp32, or --runtime torch")
    if not os.path.exists(onnx.path_of(backbone, apart=apart)):
        emit("export", model=backbone.name)
    try:
        return onnx.Session(backbone, torch.get_num_threads(), apart=apart)
    except ModelError as error:
        if settings.runtime == "onnx":
            raise
        emit("runtime", why=str(error))
    return None
