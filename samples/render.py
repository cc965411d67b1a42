"""Render labeled pictures in the ImageNet layout: `python -m samples.render --out DIR --split train --count 36000`.

A picture depends only on its split, seed, class and number, so an interrupted run continues where it stopped, and no
scene of one split appears in another.
"""

import argparse
import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from samples.objects import KINDS
from samples.studio import Studio
from samples.world import make_scene, make_shot

SPLITS = {"train": 0, "test": 1, "clip": 2}
VIEWS = {"train": 4, "test": 1}  # pictures per scene
SIZE = 160
OVERSAMPLING = 1.5


class Task(NamedTuple):
    """The pictures of one scene."""

    folder: Path
    split: str
    seed: int
    label: str
    scene: int
    numbers: range


def scene_rng(split: str, seed: int, label: str, scene: int) -> np.random.Generator:
    """The random generator of one scene; different for every split, seed, class and scene number."""
    return np.random.default_rng([SPLITS[split], seed, list(KINDS).index(label), scene])


def tasks(out: Path, split: str, count: int, seed: int) -> Iterator[Task]:
    """The tasks that remain of `count` pictures, spread evenly over the classes."""
    each, views = count // len(KINDS), VIEWS[split]
    for scene in range(-(-each // views)):
        numbers = range(scene * views, min((scene + 1) * views, each))
        for label in KINDS:
            if not all(path(out / label, number).exists() for number in numbers):
                yield Task(out / label, split, seed, label, scene, numbers)


def path(folder: Path, number: int) -> Path:
    """The path of a class's picture."""
    return folder / f"{number:06d}.jpg"


def render(studio: Studio, task: Task) -> None:
    """Render one scene's pictures and write them."""
    rng = scene_rng(task.split, task.seed, task.label, task.scene)
    studio.stage(make_scene(task.label, rng))
    task.folder.mkdir(parents=True, exist_ok=True)
    for number in task.numbers:
        picture = studio.shoot(make_shot(task.label, rng))
        _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
        target = path(task.folder, number)
        unfinished = target.with_suffix(".part")
        unfinished.write_bytes(data.tobytes())
        unfinished.replace(target)


def _work(batch: list[Task]) -> int:
    cv2.setNumThreads(1)
    studio = Studio(SIZE, SIZE, OVERSAMPLING)
    for task in batch:
        render(studio, task)
    studio.close()
    return sum(len(task.numbers) for task in batch)


def main() -> None:
    """Read the options and render."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to fill with one folder per class")
    parser.add_argument("--split", choices=list(VIEWS), required=True)
    parser.add_argument("--count", type=int, required=True, help="total number of pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if options.count < len(KINDS):
        parser.error(f"expected --count of at least {len(KINDS)}, one for each class; got {options.count}")
    os.environ["LP_NUM_THREADS"] = "1"  # or Mesa's software renderer would start a full set of threads per worker
    todo = list(tasks(options.out, options.split, options.count, options.seed))
    batches = [todo[i : i + 160] for i in range(0, len(todo), 160)]
    total, done = sum(len(task.numbers) for task in todo), 0
    # A renderer leaks some memory per scene, so each worker process serves only a few batches.
    with multiprocessing.get_context("spawn").Pool(options.workers, maxtasksperchild=4) as pool:
        for finished in pool.imap_unordered(_work, batches):
            done += finished
            print(f"{done} of {total} pictures", flush=True)


if __name__ == "__main__":
    main()
