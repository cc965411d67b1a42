"""WebM: small whatever is shown, sharp where possible, and readable at any time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mgtta_cam.sinks.webm import BYTES_PER_PIXEL, TICKS, WebM, element, number
from mgtta_cam.types import Image
from tests.mgtta_cam.sinks.test_video_sink import read
from tests.mgtta_cam.sinks.web.browser import awaited, browser

SIDE = 240
RNG = np.random.default_rng(0)


def still(_: int) -> Image:
    """A gradient with sharp marks."""
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[:] = np.linspace(0, 255, SIDE, dtype=np.uint8)[:, None]
    image[::20, :, 0] = 255
    return image


def noise(_: int) -> Image:
    """The upper half of it is noise."""
    image = still(0)
    image[: SIDE // 2] = RNG.integers(0, 256, (SIDE // 2, SIDE, 3), np.uint8)
    return image


def written(path: Path, count: int, picture: Callable[[int], Image], *, close: bool = True) -> WebM:
    """A video of pictures at 25 frames a second."""
    video = WebM(path, 25.0, (SIDE, SIDE))
    for i in range(count):
        video.write(picture(i))
    if close:
        video.close()
    return video


def test_noise_keeps_to_the_budget(tmp_path: Path) -> None:
    """After the first pictures, which are larger, no picture exceeds its share."""
    written(tmp_path / "short.webm", 25, noise)
    written(tmp_path / "long.webm", 75, noise)
    bytes_a_frame = ((tmp_path / "long.webm").stat().st_size - (tmp_path / "short.webm").stat().st_size) / 50
    assert bytes_a_frame < 1.1 * BYTES_PER_PIXEL * SIDE**2


def test_what_is_simple_is_sharp(tmp_path: Path) -> None:
    """If the budget suffices, the picture is close to the original, within the limits of VP8's colors."""
    written(tmp_path / "a.webm", 20, still)
    apart = np.abs(read(tmp_path / "a.webm")[-1].astype(int) - still(0))
    assert apart.mean() < 12


def test_it_can_be_sought_in(tmp_path: Path) -> None:
    """The index allows seeking; duration and rate are stored."""
    written(tmp_path / "a.webm", 100, lambda i: np.full((SIDE, SIDE, 3), 2 * i, np.uint8))
    capture = cv2.VideoCapture(str(tmp_path / "a.webm"), cv2.CAP_FFMPEG)
    assert (capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)) == (25.0, 100.0)
    capture.set(cv2.CAP_PROP_POS_FRAMES, 80)
    taken, image = capture.read()
    assert taken
    assert image.mean() == pytest.approx(160, abs=4)


def test_it_plays_before_its_end_is_written(tmp_path: Path) -> None:
    """All pictures of a file that was never closed are readable, because a machine may crash."""
    path = tmp_path / "a.webm"
    video = written(path, 30, still, close=False)
    assert len(read(path)) == 30
    path.write_bytes(path.read_bytes()[:-100])  # torn in the last one
    assert len(read(path)) == 29
    video.close()


def test_elements() -> None:
    """ID, length in eight bytes, content; a number takes the bytes it needs, one at least."""
    assert number(0xD7, 0) == b"\xd7\x01\0\0\0\0\0\0\x01\0"
    assert number(0x2AD7B1, 10**9 // TICKS) == b"\x2a\xd7\xb1\x01\0\0\0\0\0\0\x03\x0f\x42\x40"
    assert element(0xAE, b"ab", b"c") == b"\xae\x01\0\0\0\0\0\0\x03abc"


def test_a_browser_plays_it(tmp_path: Path) -> None:
    """Chromium reads duration and size, and seeks."""
    written(tmp_path / "a.webm", 100, lambda i: np.full((SIDE, SIDE, 3), 2 * i, np.uint8))
    page = "<video id=v muted src=a.webm></video>"
    (tmp_path / "a.html").write_text(page)
    with browser(tmp_path / "profile") as driver:
        driver.get((tmp_path / "a.html").as_uri())
        video = "document.getElementById('v')"
        assert awaited(driver, f"{video}.duration") == pytest.approx(4.0)
        assert awaited(driver, f"{video}.videoWidth") == SIDE
        driver.execute_script(f"{video}.currentTime = 3.22")
        assert awaited(driver, f"!{video}.seeking && {video}.readyState >= 2")
        driver.execute_script(f"{video}.play()")
        assert awaited(driver, f"{video}.ended")
        assert driver.execute_script(f"return {video}.error") is None
