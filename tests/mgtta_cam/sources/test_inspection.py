"""Which frames the model may adapt to."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mgtta_cam.corruptions import corrupt
from mgtta_cam.sources.inspection import FROZEN_S, inspected
from mgtta_cam.sources.video import VideoSource
from mgtta_cam.types import Frame, Image

FPS = 20.0


def scene(seed: int, size: tuple[int, int] = (192, 256)) -> Image:
    """A picture with content: blurred colors, and a camera's noise."""
    rng = np.random.RandomState(seed)
    coarse = rng.randint(0, 255, (12, 16, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC).astype(np.int16)
    return np.clip(picture + rng.randint(-6, 7, picture.shape), 0, 255).astype(np.uint8)


def film(*images: Image) -> list[Frame]:
    """Pictures as frames of a video."""
    return [Frame(i, i / FPS, image) for i, image in enumerate(images)]


def reasons(frames: list[Frame], *, intra: bool = False) -> list[str | None]:
    """The reason why each frame is rejected, or None."""
    return [frame.rejected for frame in inspected(intra=intra)(frames)]


def test_pictures_are_accepted() -> None:
    """Changing scenes are accepted in any codec, and so are dark ones with some content."""
    frames = film(*map(scene, range(20)), *(scene(i) // 8 for i in range(20)))
    assert set(reasons(frames)) == set(reasons(frames, intra=True)) == {None}


def test_black_and_blank() -> None:
    """A lens cap with its noise is black; one color, as of a blue screen, is blank."""
    rng = np.random.RandomState(0)
    cap = rng.randint(0, 14, (192, 256, 3)).astype(np.uint8)
    blue = np.full((192, 256, 3), (10, 20, 200), np.uint8) + rng.randint(0, 6, (192, 256, 3)).astype(np.uint8)
    white = np.full((192, 256, 3), 255, np.uint8)
    assert reasons(film(cap, scene(0), blue, white)) == ["black", None, "blank", "blank"]


@pytest.mark.parametrize("size", [(120, 160), (224, 224), (480, 640), (1080, 1920)])
def test_mere_noise(size: tuple[int, int]) -> None:
    """Pure noise is rejected, even compressed; a scene under the heaviest noise is not."""
    rng = np.random.RandomState(1)
    static = rng.randint(0, 256, (*size, 3)).astype(np.uint8)
    gray = np.clip(rng.normal(128, 40, (*size, 1)), 0, 255).astype(np.uint8).repeat(3, axis=2)
    decoded = cv2.imdecode(cv2.imencode(".jpg", static)[1], cv2.IMREAD_COLOR)
    noisy = corrupt(scene(0, size), "gaussian_noise", 5, rng)
    assert reasons(film(static, gray, np.asarray(decoded, np.uint8), noisy)) == ["noise", "noise", "noise", None]


def test_repeated_then_frozen() -> None:
    """A repeated frame is rejected; after a second of them the camera counts as frozen, until it moves."""
    still = scene(0)
    count = round(FROZEN_S * FPS)
    found = reasons(film(*[still] * (count + 10), scene(1)))
    assert found == [None, *["repeated"] * count, *["frozen"] * 9, None]


def test_a_reason_that_was_there_stays() -> None:
    """The decoder's reason is not overwritten."""
    frames = [replace(frame, rejected="half-decoded") for frame in film(scene(0), scene(0))]
    assert reasons(frames) == ["half-decoded"] * 2


@pytest.mark.parametrize("color", [(128, 128, 128), (0, 135, 0)])
def test_rows_that_were_never_decoded(color: tuple[int, int, int]) -> None:
    """Gray or green lowest rows were left by the decoder."""
    image = scene(0)
    image[150:] = color
    assert reasons(film(image)) == ["half-decoded"]


def test_borders_and_captions_are_no_damage() -> None:
    """Black bars and static captions, which are the same in every frame, are accepted."""
    captioned = [scene(i) for i in range(20)]
    for image in captioned:
        image[160:] = scene(99)[160:]
    assert reasons(film(*captioned), intra=True)[2:] == [None] * 18  # it costs one frame, when it appears
    barred = [scene(i) for i in range(20)]
    for image in barred:
        image[160:] = 0
    assert reasons(film(*barred), intra=True) == [None] * 20


def test_half_decoded_pictures_of_a_real_decoder(tmp_path: Path) -> None:
    """In an MJPEG file, exactly the frames that are zeroed from their middle on are rejected."""
    path, hit = tmp_path / "clip.avi", (4, 9, 20)
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), FPS, (256, 192))
    for i in range(30):
        writer.write(cv2.cvtColor(scene(i), cv2.COLOR_RGB2BGR))
    writer.release()
    data = bytearray(path.read_bytes())
    at = data.index(b"movi")
    for number in range(30):
        at = data.index(b"00dc", at)
        size = struct.unpack("<I", data[at + 4 : at + 8])[0]
        if number in hit:
            data[at + 8 + size // 2 : at + 8 + size] = bytes(size - size // 2)
        at += 8 + size
    path.write_bytes(data)
    source = VideoSource(path)
    assert source.facts["codec"] == "MJPG"
    found = {frame.index: frame.rejected for frame in inspected(intra=True)(source) if frame.rejected}
    assert found == dict.fromkeys(hit, "half-decoded")
