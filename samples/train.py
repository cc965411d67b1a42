"""Train the embedded model from nothing: `python -m samples.train --pictures DIR --out demo.safetensors`.

DIR holds the folders `train` and `test` that `samples.render` made. Each epoch ends with a checkpoint, from which an
interrupted run continues. The weights leave as safetensors, under timm's names, with all that is needed to use them.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import timm.layers
import torch
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn import functional

from samples.augment import MEAN, STD, augmented, centered

ARGUMENTS: dict[str, Any] = {"img_size": 128, "patch_size": 16, "embed_dim": 192, "depth": 6, "num_heads": 3}
COMMAND = (
    "python -m samples.render --split train --count {train} --out world/train && "
    "python -m samples.render --split test --count {test} --out world/test && "
    "python -m samples.train --pictures world --out demo.safetensors --epochs {epochs} --batch {batch} --lr {lr} "
    "--seed {seed}"
)


def load_pictures(folder: Path) -> tuple[Tensor, Tensor, list[str]]:
    """Pictures, uint8 `[n, 3, h, w]`, labels, `[n]`, and class names of a folder in the ImageNet layout."""
    classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    files = [(file, index) for index, name in enumerate(classes) for file in sorted((folder / name).glob("*.jpg"))]
    if not files:
        raise ValueError(f"expected class folders with .jpg files in {folder}; found none; run samples.render first")
    first = _read(files[0][0])
    pictures = np.empty((len(files), 3, *first.shape[:2]), np.uint8)
    for row, (file, _) in enumerate(files):
        pictures[row] = _read(file).transpose(2, 0, 1)
    return torch.from_numpy(pictures), torch.tensor([index for _, index in files]), classes


def _read(file: Path) -> np.ndarray:
    picture = cv2.imread(str(file), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        raise ValueError(f"expected a readable picture; {file} is broken; delete it and render again")
    return picture


def parameter_groups(model: nn.Module, decay: float) -> list[dict[str, Any]]:
    """One group with weight decay for all, the norms included: they are what adaptation moves later."""
    return [{"params": list(model.parameters()), "weight_decay": decay}]


def learning_rate(progress: float, peak: float, warm_up: float = 0.04) -> float:
    """Linear warm-up, then a cosine to zero; `progress` is the part of the training that is done (0..1)."""
    if progress < warm_up:
        return peak * progress / warm_up
    return peak * 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


def train_epoch(
    model: VisionTransformer,
    optimizer: torch.optim.Optimizer,
    data: tuple[Tensor, Tensor],
    options: argparse.Namespace,
    epoch: int,
) -> Iterator[float]:
    """Pass once over the data in an order that depends on seed and epoch; yields each batch's loss."""
    pictures, labels = data
    generator = torch.Generator().manual_seed(options.seed * 1000 + epoch)
    batches = torch.randperm(len(labels), generator=generator).split(options.batch)
    model.train()
    for number, index in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate((epoch + number / len(batches)) / options.epochs, options.lr)
        x = augmented(pictures[index], ARGUMENTS["img_size"], generator)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(x)
        loss = functional.cross_entropy(logits.float(), labels[index], label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        yield loss.item()


@torch.inference_mode()
def accuracy(model: VisionTransformer, pictures: Tensor, labels: Tensor) -> float:
    """Top-1 accuracy in percent on pictures as they are, in float32."""
    model.eval()
    hits = 0
    for x, y in zip(pictures.split(128), labels.split(128), strict=True):
        hits += int((model(centered(x, ARGUMENTS["img_size"])).argmax(1) == y).sum())
    return 100 * hits / len(labels)


def save_weights(model: VisionTransformer, out: Path, classes: list[str], clean: float, command: str) -> None:
    """Write the weights and the model card, a map of strings, in one step."""
    size = ARGUMENTS["img_size"]
    card = {
        "architecture": "VisionTransformer",
        "arguments": json.dumps({**ARGUMENTS, "num_classes": len(classes)}),
        "mean": json.dumps(MEAN),
        "std": json.dumps(STD),
        "input_size": json.dumps([3, size, size]),
        "interpolation": json.dumps("bicubic"),
        "crop_pct": json.dumps(1.0),
        "classes": json.dumps(classes),
        "clean_accuracy": json.dumps(round(clean, 2)),
        "command": command,
        "license": "Apache-2.0",
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_suffix(".part")
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, unfinished, card)
    unfinished.replace(out)


def train(options: argparse.Namespace, stop_after: int | None = None) -> float:
    """Train as the options say, or until so many epochs are done; returns the clean accuracy in percent."""
    torch.manual_seed(options.seed)
    # The fused attention's backward is half as fast as the plain one on CPUs.
    timm.layers.set_fused_attn(False)
    *data, classes = load_pictures(options.pictures / "train")
    *held_out, _ = load_pictures(options.pictures / "test")
    model = VisionTransformer(**ARGUMENTS, num_classes=len(classes))
    optimizer = torch.optim.AdamW(parameter_groups(model, 0.05), lr=options.lr, betas=(0.9, 0.98))
    state_file: Path = options.state or options.pictures / "training.pt"
    first, clean = 0, 0.0
    if state_file.exists():
        state = torch.load(state_file, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first, clean = state["epoch"], state["clean"]
    command = COMMAND.format(train=len(data[1]), test=len(held_out[1]), **vars(options))
    for epoch in range(first, min(options.epochs, stop_after or options.epochs)):
        start, losses = time.monotonic(), []
        for loss in train_epoch(model, optimizer, (data[0], data[1]), options, epoch):
            losses.append(loss)
            if len(losses) % 50 == 0:
                speed = len(losses) * options.batch / (time.monotonic() - start)
                print(
                    f"epoch {epoch + 1} step {len(losses)} loss {np.mean(losses[-50:]):.3f} {speed:.0f}/s", flush=True
                )
        clean = accuracy(model, held_out[0], held_out[1])
        print(
            f"epoch {epoch + 1} of {options.epochs}: loss {np.mean(losses):.3f}, clean accuracy {clean:.2f} %",
            flush=True,
        )
        save_weights(model, options.out, classes, clean, command)
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1, "clean": clean}
        torch.save(state, state_file.with_suffix(".part"))
        state_file.with_suffix(".part").replace(state_file)
    return clean


def main() -> None:
    """Read the options and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, required=True, help="folder with `train` and `test`")
    parser.add_argument("--out", type=Path, required=True, help="the .safetensors file to write")
    parser.add_argument(
        "--state", type=Path, help="checkpoint to continue from (default: training.pt beside the pictures)"
    )
    parser.add_argument("--epochs", type=int, default=26)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
