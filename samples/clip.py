"""Film the embedded world: `python -m samples.clip` writes `clip.mp4` and `clip.labels.csv` next to this file.

Every shot shows one object of a known class; object, camera and light move. Classes come in random order and equally
often, in scenes that training never saw.
"""

import argparse
import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

from samples.objects import KINDS
from samples.render import scene_rng
from samples.studio import Studio
from samples.textures import Image
from samples.world import Shot, make_scene, make_shot

WIDTH, HEIGHT, FPS = 320, 240, 30
ROUNDS = 3  # how often each class appears
FRAMES = (36, 56)  # of one shot, at least and at most


class Cut(NamedTuple):
    """One shot of the film: frames `first` to `last`, both included, show `label`."""

    first: int
    last: int
    label: str
    scene: int


def script(seed: int, rounds: int = ROUNDS) -> list[Cut]:
    """The order and lengths of the shots; no class follows itself."""
    rng = scene_rng("clip", seed, next(iter(KINDS)), 0)
    cuts: list[Cut] = []
    for scene in range(1, rounds + 1):
        order = list(rng.permutation(list(KINDS)))
        if cuts and order[0] == cuts[-1].label:
            order.reverse()
        for label in order:
            first = cuts[-1].last + 1 if cuts else 0
            cuts.append(Cut(first, first + int(rng.integers(*FRAMES)) - 1, str(label), scene))
    return cuts


def movement(label: str, rng: np.random.Generator) -> tuple[Shot, Shot]:
    """First and last pose of a shot: a start as in the pictures, and a turn, a zoom and a moving light from there."""
    start = make_shot(label, rng)
    turn = float(rng.choice([-1, 1])) * rng.uniform(15, 40)
    low, high = KINDS[label].turn
    if high - low < 300 and not KINDS[label].both and KINDS[label].stance == "standing":
        turn = np.clip(start.yaw + turn, low, high) - start.yaw
    return start, replace(
        start,
        yaw=start.yaw + turn,
        roll=start.roll + (0.0 if KINDS[label].stance == "standing" or start.pitch == -90 else rng.uniform(-25, 25)),
        azimuth=start.azimuth - rng.uniform(0.3, 1.0) * start.azimuth,
        elevation=start.elevation * rng.uniform(0.8, 1.1),
        fill=start.fill * rng.uniform(0.85, 1.1),
        shift_x=-start.shift_x * rng.uniform(0.2, 1),
        shift_z=-start.shift_z * rng.uniform(0.2, 1),
        light_azimuth=start.light_azimuth + rng.uniform(-60, 60),
        light=start.light * rng.uniform(0.85, 1.15),
    )


def frames(cuts: list[Cut], seed: int) -> Iterator[Image]:
    """The film's pictures, uint8 RGB `[240, 320, 3]`, in order."""
    studio = Studio(WIDTH, HEIGHT)
    for cut in cuts:
        rng = scene_rng("clip", seed, cut.label, cut.scene)
        studio.stage(make_scene(cut.label, rng))
        start, end = movement(cut.label, rng)
        for share in np.linspace(0, 1, cut.last - cut.first + 1):
            yield studio.shoot(start.toward(end, float(share)))
    studio.close()


def encode(pictures: Iterator[Image], out: Path, quality: int) -> None:
    """Write H.264 in 4:2:0, which every player and OpenCV reads; `quality` is x264's rate factor, lower is better."""
    with av.open(str(out), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": str(quality), "preset": "slower", "g": "60"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def write_labels(cuts: list[Cut], out: Path) -> None:
    """Write the sidecar: a row for each shot, frames as `first-last`."""
    with out.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["frame", "label"])
        writer.writerows((f"{cut.first}-{cut.last}", cut.label) for cut in cuts)


def main() -> None:
    """Read the options and film."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("clip.mp4"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each class appears")
    parser.add_argument("--quality", type=int, default=26, help="x264's rate factor: 18 fine, 30 small")
    options = parser.parse_args()
    cuts = script(options.seed, options.rounds)
    encode(frames(cuts, options.seed), options.out, options.quality)
    write_labels(cuts, options.out.with_name(f"{options.out.stem}.labels.csv"))
    size = options.out.stat().st_size / 1e6
    print(f"{options.out}: {cuts[-1].last + 1} frames, {len(cuts)} shots, {size:.2f} MB")


if __name__ == "__main__":
    main()
