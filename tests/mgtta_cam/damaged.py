"""Makes damaged and odd videos, and counts with PyAV what can be decoded: `python -m tests.mgtta_cam.damaged DIR`.

In a process of its own: PyAV and OpenCV each bring libraries of FFmpeg, which are better not loaded side by side.
Prints one JSON object: name of the file -> frames, None where PyAV does not open it.
"""

from __future__ import annotations

import json
import random
import struct
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import InvalidDataError

FRAMES, RATE = 60, 25
GROUP = {"g": "15"}  # pictures from one key frame to the next
UPRIGHT = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)  # matrix of an .mp4's track
TURNED = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
WHOLE = ("whole.mp4", "whole.mkv", "fragments.mp4", "motion.avi", "mpeg4.avi", "broadcast.ts")  # which are damaged then


def main() -> None:
    """All of them."""
    folder = Path(sys.argv[1])
    write(folder / "whole.mp4", options=GROUP)
    write(folder / "whole.mkv", options=GROUP)
    write(folder / "fragments.mp4", options=GROUP, container={"movflags": "frag_keyframe+empty_moov"})
    write(folder / "broadcast.ts", options=GROUP)
    write(folder / "motion.avi", "mjpeg", pixels="yuvj420p")
    write(folder / "mpeg4.avi", "mpeg4")
    write(folder / "odd.mkv", size=(127, 95), pixels="yuv444p")
    draw = random.Random(0)  # noqa: S311  not a secret
    steps = [draw.choice([20, 40, 40, 120]) for _ in range(FRAMES)]
    times_ms = [sum(steps[:i]) for i in range(FRAMES)]
    write(folder / "variable.mkv", times_ms=times_ms)
    write(folder / "variable.mp4", times_ms=times_ms)
    for name in WHOLE:
        data = (folder / name).read_bytes()
        (folder / f"truncated_{name}").write_bytes(data[: len(data) * 6 // 10])
        (folder / f"zeroed_{name}").write_bytes(zeroed(data))
        (folder / f"flipped_{name}").write_bytes(flipped(data))
    head, track, rest = (folder / "whole.mp4").read_bytes().partition(b"tkhd")
    (folder / "turned.mp4").write_bytes(head + track + rest.replace(UPRIGHT, TURNED, 1))
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_bytes(b"no video at all\n" * 100)
    print(json.dumps({path.name: count(path) for path in sorted(folder.iterdir())}))


def write(
    path: Path,
    codec: str = "libx264",
    *,
    size: tuple[int, int] = (128, 96),
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    times_ms: Sequence[int] | None = None,
) -> None:
    """A video of FRAMES pictures with a square that moves."""
    width, height = size
    with av.open(str(path), "w", options=container or {}) as file:
        stream: Any = file.add_stream(codec, rate=RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.options = options or {}
        if times_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for i in range(FRAMES):
            image = np.full((height, width, 3), (i * 4, 80, 160), np.uint8)
            image[10:40, 4 * i % 100 : 4 * i % 100 + 16] = 255
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[i], Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def zeroed(data: bytes) -> bytes:
    """A tenth in the middle is lost."""
    start, end = len(data) * 4 // 10, len(data) * 5 // 10
    return data[:start] + bytes(end - start) + data[end:]


def flipped(data: bytes) -> bytes:
    """One bit in 10,000 is wrong, but for the head and the index at the end."""
    damaged, draw = bytearray(data), random.Random(1)  # noqa: S311
    for place in range(len(data) // 50, len(data) * 9 // 10):
        if draw.random() < 8e-4:
            damaged[place] ^= 1 << draw.randrange(8)
    return bytes(damaged)


def count(path: Path) -> int | None:
    """How many frames PyAV decodes, whatever fails between them."""
    frames = 0
    try:
        with av.open(str(path)) as file:
            for packet in file.demux(video=0):
                try:
                    frames += len(packet.decode())
                except InvalidDataError:
                    continue
    except InvalidDataError:
        return None
    return frames


if __name__ == "__main__":
    main()
