"""Models by name: the embedded one, timm's from the hub, or from a weights file."""

from __future__ import annotations

import difflib
import json
import logging
import socket
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import urlsplit

import torch
from torch import Tensor, nn

from mgtta_models import files, shipped
from mgtta_models.backbone import Backbone, from_timm
from mgtta_models.errors import ModelError, reason
from mgtta_models.labels import Labels
from mgtta_models.precision import LOW, PRECISIONS
from mgtta_models.preprocess import Preprocess
from mgtta_models.stem import ConvolutionalStem
from mgtta_models.vit import ARGUMENTS, PatchEmbed, VisionTransformer

DEMO = "demo"
HUB_TIMEOUT_S = 5


def load_backbone(
    name: str,
    weights: str | Path | None = None,
    device: str = "cpu",
    precision: str = "fp32",
    labels: str | Path | None = None,
    preprocess: Mapping[str, Any] | None = None,
) -> Backbone:
    """Loads a model by name, with the preprocessing and the class names that belong to its weights.

    Args:
        name: `demo`, the embedded model, or any timm ViT, with a tag or without.
        weights: a .safetensors or .pth file; by default timm's own, from the hub.
        device: `cpu`, `cuda`, `cuda:1`.
        precision: `fp32`, `bf16`, `fp16`, or `tf32` for tensor cores on CUDA: `mgtta_models.precision`.
        labels: a text file with one class name a line.
        preprocess: overrides of the weights' configuration: size, mean, std, interpolation, crop_pct.

    Raises:
        ModelError: one line on what is wrong with the name, the file, the hub or the device.

    Example:
        >>> backbone = load_backbone("demo")
        >>> backbone.preprocess.size, len(backbone.classes), backbone.classes[0]
        (128, 16, 'airplane')
    """
    if precision not in PRECISIONS:
        raise ModelError(f"--precision is one of {', '.join(PRECISIONS)}; got {precision!r}")
    path = shipped.backbone() if name == DEMO and weights is None else weights
    if path is None:
        vit, card = _from_hub(name), {}
    else:
        vit, card = _from_file(name, files.read(Path(path)), Path(path).name)
    values = _preprocess(vit, card)
    changed = values.changed(**(preprocess or {}))
    if changed.size != values.size:
        _resize(vit, changed.size, name)
    backbone = Backbone(
        vit,
        name=name,
        preprocess=changed,
        labels=Labels.read(Path(labels)) if labels else _labels(card),
    )
    return _placed(backbone, device, precision)


def _from_hub(name: str) -> nn.Module:
    import timm
    from huggingface_hub import constants

    _known(name)
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)  # it reports each retry
    try:
        if not _answers(constants.ENDPOINT):
            constants.HF_HUB_OFFLINE = True  # what was fetched before still loads, and nothing is tried for minutes
        return timm.create_model(name, pretrained=True)
    except Exception as error:  # the hub's client raises errors of many libraries
        raise ModelError(
            f"the weights of {name} could not be fetched from timm's hub ({reason(error, 120)}). "
            "Three ways out: connect to the network and try again; give a file with --weights FILE; use --model demo"
        ) from None


def _answers(endpoint: str) -> bool:
    """Whether a connection to the hub opens; taken for granted where a proxy stands between."""
    url = urlsplit(endpoint)
    if urllib.request.getproxies().get(url.scheme):
        return True
    try:
        port = url.port or {"http": 80}.get(url.scheme, 443)
        socket.create_connection((url.hostname or "", port), HUB_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def _from_file(name: str, checkpoint: files.Checkpoint, file: str) -> tuple[nn.Module, dict[str, str]]:
    tensors, card = checkpoint
    if "arguments" in card:
        arguments = json.loads(card["arguments"])
        vit = _built(arguments, ConvolutionalStem if card.get("stem") == "convolutional" else None)
    else:
        import timm

        _known(name)
        head = tensors.get("head.weight")
        if head is None:
            raise ModelError(f"{file} holds no classifier (head.weight): expected weights of timm's {name}")
        vit = timm.create_model(name, pretrained=False, num_classes=head.shape[0])
    _fill(vit, tensors, f"{file} does not fit {name}")
    return vit, card


def _built(arguments: dict[str, Any], stem: type[nn.Module] | None) -> nn.Module:
    """The model that a card describes: our own where it is a plain one, else timm's, whose import takes seconds."""
    layer: dict[str, Any] = {} if stem is None else {"embed_layer": stem}
    if arguments.keys() <= ARGUMENTS:
        return VisionTransformer(**arguments, **layer)
    from timm.models.vision_transformer import VisionTransformer as TimmVisionTransformer

    return TimmVisionTransformer(**arguments, **layer)


def _fill(vit: nn.Module, tensors: Mapping[str, Tensor], what: str) -> None:
    own = vit.state_dict()
    wrong = [f"{key} is missing" for key in own if key not in tensors]
    wrong += [f"{key} is not one of its tensors" for key in tensors if key not in own]
    wrong += [
        f"{key} is {list(tensors[key].shape)} and should be {list(own[key].shape)}"
        for key in own
        if key in tensors and tensors[key].shape != own[key].shape
    ]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise ModelError(f"{what}: {wrong[0]}{more}; give the --model that these weights belong to")
    vit.load_state_dict({key: tensor.float() for key, tensor in tensors.items()})


def _resize(vit: nn.Module, size: int, name: str) -> None:
    """Positions are interpolated, as timm does it."""
    if not _resizable(vit):
        raise ModelError(f"{name} takes pictures of one size only: leave --img-size away")
    side = int(vit.patch_embed.patch_size[0])
    if size % side:
        raise ModelError(f"{name} cuts pictures into patches of {side} pixels: --img-size is a multiple; got {size}")
    vit.set_input_size((size, size))


def _resizable(vit: nn.Module) -> TypeGuard[VisionTransformer]:
    if isinstance(vit, VisionTransformer):
        return isinstance(vit.patch_embed, PatchEmbed)
    if not from_timm(vit):
        return False
    from timm.layers.patch_embed import PatchEmbed as TimmPatchEmbed

    return isinstance(vit.patch_embed, TimmPatchEmbed)


def _known(name: str) -> None:
    import timm

    architecture = name.removeprefix("timm/").split(".")[0]
    if name.startswith("hf-hub:") or timm.is_model(architecture):
        return
    near = difflib.get_close_matches(architecture, [*timm.list_models("*vit*"), *timm.list_models("deit*"), DEMO], n=3)
    raise ModelError(f"no model is called {name!r}" + (f"; nearest: {', '.join(near)}" if near else ""))


def _preprocess(vit: nn.Module, card: Mapping[str, str]) -> Preprocess:
    if "mean" not in card:
        return Preprocess.of(vit) if isinstance(vit, VisionTransformer) or from_timm(vit) else Preprocess()
    size = json.loads(card["input_size"])
    return Preprocess().changed(
        size=size if isinstance(size, int) else size[-1],
        mean=json.loads(card["mean"]),
        std=json.loads(card["std"]),
        interpolation=card["interpolation"].strip('"'),
        crop_pct=json.loads(card["crop_pct"]),
    )


def _labels(card: Mapping[str, str]) -> Labels | None:
    return Labels(tuple(json.loads(card["classes"]))) if "classes" in card else None


def _placed(backbone: Backbone, device: str, precision: str) -> Backbone:
    try:
        target = torch.device(device)
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        backbone = backbone.to(target)
        if precision in LOW:
            backbone.lower(LOW[precision])
        return backbone
    except (RuntimeError, AssertionError) as error:
        raise ModelError(
            f"--device {device} cannot be used ({reason(error)}): use cpu, or cuda where there is a GPU"
        ) from None
