"""Train the embedded model from scratch: `python -m samples.train --pictures DIR --out demo.safetensors`.

DIR holds the folders `train` and `test` made by `samples.render`. Training has epochs of clean pictures, then steps on
corrupted ones (`samples.refine`). Each epoch ends with a checkpoint, from which an interrupted run continues. The
weights are saved as safetensors, with timm's names and everything needed to use them.
"""

import argparse
import json
import math
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import spawn

from mgtta_models import files
from mgtta_models.precision import attend_plainly
from mgtta_models.stem import ConvolutionalStem
from samples.augment import MEAN, STD, augmented, centered
from samples.pictures import load_pictures
from samples.refine import refine, rescale, smoothed_loss
from samples.start import initialize
from samples.workers import average_gradients, generator

ARGUMENTS: dict[str, Any] = {"img_size": 128, "patch_size": 16, "embed_dim": 192, "depth": 6, "num_heads": 3}
BFLOAT16 = any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16"))  # else 15 times slower
WEIGHT_DECAY = 0.05  # on all parameters, including the norms, which adaptation changes later
COMMAND = (
    "python -m samples.render --split train --count {train} --out world/train && "
    "python -m samples.render --split test --count {test} --out world/test && "
    "python -m samples.train --pictures world --out demo.safetensors --epochs {epochs} --batch {batch} --lr {lr} "
    "--steps {steps} --seed {seed} --workers {workers}"
)


@dataclass(frozen=True, slots=True)
class World:
    """Pictures, uint8 `[n, 3, h, w]`, and labels, `[n]`, for training and for testing."""

    pictures: Tensor
    labels: Tensor
    test_pictures: Tensor
    test_labels: Tensor
    classes: list[str]


def learning_rate(progress: float, peak: float, warm_up: float = 0.04) -> float:
    """Linear warm-up, then a cosine to zero; `progress` is the share of training done (0..1)."""
    if progress < warm_up:
        return peak * progress / warm_up
    return peak * 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


def train(options: argparse.Namespace, stop_after: int | None = None) -> float:
    """Train as the options say, or up to a number of epochs; returns the clean accuracy in percent."""
    *data, classes = load_pictures(options.pictures / "train")
    *test, known = load_pictures(options.pictures / "test")
    if known != classes:
        raise ValueError(f"expected the same classes in train and test; got {classes} and {known}; render both again")
    world = World(data[0], data[1], test[0], test[1], classes)
    last = min(options.epochs, stop_after or options.epochs)
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(2**34))  # keep freed memory for the next step
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(2**32))
    with tempfile.TemporaryDirectory() as folder:
        meeting = f"file://{folder}/meeting"
        if options.workers == 1:
            work(0, options, world, last, meeting)
        else:
            spawn(work, (options, world, last, meeting), nprocs=options.workers)
    with safe_open(options.out, "pt") as file:
        return float(file.metadata()["clean_accuracy"])


def work(rank: int, options: argparse.Namespace, world: World, last: int, meeting: str) -> None:
    """Train synchronously with the other workers, each on its share of every batch.

    Single-threaded processes that synchronize once per step cope with a busy machine far better than threads that
    synchronize at every layer.
    """
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=options.workers)
    model = VisionTransformer(**ARGUMENTS, num_classes=len(world.classes), embed_layer=ConvolutionalStem).eval()
    if BFLOAT16:
        attend_plainly(model)  # the fused kernel's backward would take half of a training step in bfloat16
    initialize(model, generator(options.seed, 0))
    for layer in model.patch_embed.modules():  # the stem's normalization is added in the second part
        if isinstance(layer, nn.BatchNorm2d):
            layer.requires_grad_(False)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=options.lr, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY, fused=True
    )
    first, file = 0, _state_file(options)
    if file.exists():
        state = torch.load(file, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["epoch"]
    for epoch in range(first, last):
        loss = train_epoch(model, optimizer, world, options, epoch)
        clean = accuracy(model, world.test_pictures, world.test_labels)
        if rank == 0:
            print(f"epoch {epoch + 1} of {options.epochs}: loss {loss:.3f}, clean accuracy {clean:.2f} %", flush=True)
            save_weights(model, options, world, clean)
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1}
            with files.whole(file) as part:
                torch.save(state, part)
    if last == options.epochs and options.steps:
        data = world.pictures, world.labels
        refine(model, *data, size=ARGUMENTS["img_size"], steps=options.steps, seed=options.seed)
        rescale(model)
        clean = accuracy(model, world.test_pictures, world.test_labels)
        if rank == 0:
            print(f"clean accuracy {clean:.2f} %", flush=True)
            save_weights(model, options, world, clean)
    distributed.destroy_process_group()


def train_epoch(
    model: VisionTransformer,
    optimizer: torch.optim.Optimizer,
    world: World,
    options: argparse.Namespace,
    epoch: int,
) -> float:
    """Make one pass over the data in an order that depends on seed and epoch; returns this worker's mean loss."""
    rank, workers, start = distributed.get_rank(), distributed.get_world_size(), time.monotonic()
    order = torch.randperm(len(world.labels), generator=generator(options.seed, epoch))
    draws = generator(options.seed, epoch, rank + 1)
    batches = order.split(options.batch)
    total = 0.0
    for number, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate((epoch + number / len(batches)) / options.epochs, options.lr)
        index = batch[rank::workers]
        x = augmented(world.pictures[index], ARGUMENTS["img_size"], draws)
        with torch.autocast("cpu", torch.bfloat16, enabled=BFLOAT16):
            logits = model(x)
        loss = smoothed_loss(logits.float(), world.labels[index])
        optimizer.zero_grad()
        loss.backward()
        average_gradients(model)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
        if rank == 0 and (number + 1) % 50 == 0:
            speed = (number + 1) * options.batch / (time.monotonic() - start)
            mean = total / (number + 1)
            print(f"epoch {epoch + 1} step {number + 1} of {len(batches)} loss {mean:.3f} {speed:.0f}/s", flush=True)
    return total / len(batches)


@torch.inference_mode()
def accuracy(model: VisionTransformer, pictures: Tensor, labels: Tensor) -> float:
    """Top-1 accuracy in percent on clean pictures, in float32; the workers share the pictures."""
    rank, workers = distributed.get_rank(), distributed.get_world_size()
    hits = torch.zeros(1)
    for x, y in zip(pictures[rank::workers].split(128), labels[rank::workers].split(128), strict=True):
        hits += (model(centered(x, ARGUMENTS["img_size"])).argmax(1) == y).sum()
    distributed.all_reduce(hits)
    return 100 * hits.item() / len(labels)


def save_weights(model: VisionTransformer, options: argparse.Namespace, world: World, clean: float) -> None:
    """Write the weights and the model card, a map of strings, atomically."""
    size = ARGUMENTS["img_size"]
    card = {
        "architecture": "VisionTransformer",
        "arguments": json.dumps({**ARGUMENTS, "num_classes": len(world.classes)}),
        "stem": "convolutional",
        "mean": json.dumps(MEAN),
        "std": json.dumps(STD),
        "input_size": json.dumps([3, size, size]),
        "interpolation": json.dumps("bicubic"),
        "crop_pct": json.dumps(1.0),
        "classes": json.dumps(world.classes),
        "clean_accuracy": json.dumps(round(clean, 2)),
        "command": COMMAND.format(train=len(world.labels), test=len(world.test_labels), **vars(options)),
        "license": "Apache-2.0",
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    files.write(options.out, model.state_dict(), card)


def _state_file(options: argparse.Namespace) -> Path:
    return options.state or options.pictures / "training.pt"


def main() -> None:
    """Read the options and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, required=True, help="folder with `train` and `test`")
    parser.add_argument("--out", type=Path, required=True, help="the .safetensors file to write")
    parser.add_argument("--state", type=Path, help="checkpoint to continue from (default: PICTURES/training.pt)")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--steps", type=int, default=600, help="training steps on corrupted pictures, after the epochs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="number of processes, one per core")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
