"""A small WebM writer: VP8, each picture a key frame, as large as a budget allows. Every browser plays it.

OpenCV's encoders take no bit rate: they write noise, which this program shows a lot of, almost without loss. A lossy
WebP picture is a VP8 key frame (RFC 6386; RFC 9649, section 2.5), so that Pillow encodes, and this file puts its
frames into Matroska elements (RFC 9559). Each element is whole when it is written: a file without its end plays too.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BYTES_A_PIXEL = 0.075  # of a frame: text stays sharp even beside noise
BEST, WORST = 90.0, 0.0  # WebP's quality
EFFORT = 2  # WebP's method, 0..6: twice as fast as its default, 7 % larger

# IDs of Matroska elements
EBML, SEGMENT, SEEK_HEAD, SEEK, SEEK_ID, SEEK_POSITION = 0x1A45DFA3, 0x18538067, 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
INFO, SCALE, DURATION, MUXING_APP, WRITING_APP = 0x1549A966, 0x2AD7B1, 0x4489, 0x4D80, 0x5741
TRACKS, TRACK, NUMBER, UID, KIND, CODEC, FRAME_NS = 0x1654AE6B, 0xAE, 0xD7, 0x73C5, 0x83, 0x86, 0x23E383
VIDEO, WIDTH, HEIGHT = 0xE0, 0xB0, 0xBA
CLUSTER, TIME, BLOCK, VOID = 0x1F43B675, 0xE7, 0xA3, 0xEC
CUES, CUE, CUE_TIME, CUE_PLACE, CUE_TRACK, CUE_CLUSTER = 0x1C53BB6B, 0xBB, 0xB3, 0xB7, 0xF7, 0xF1

UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
KEY_FRAME = b"\x81\x00\x00\x80"  # of a block: track 1, at the cluster's time, can be decoded by itself
TICKS = 1000  # a second


class WebM:
    """A video file in the making.

    Args:
        path: replaced if it is there.
        fps: frames a second, > 0.
        size: width and height in pixels.

    Raises:
        OSError: if it cannot be written.
    """

    def __init__(self, path: Path, fps: float, size: tuple[int, int]) -> None:
        self._file = path.open("wb")  # closed by `close`
        self._fps, self._budget = fps, BYTES_A_PIXEL * size[0] * size[1]
        self._quality = 30.0
        self._clusters: list[tuple[int, int]] = []  # of each second: its time in ticks, its place in the segment
        self._frames = 0
        head = [number(0x4286, 1), number(0x42F7, 1), number(0x42F2, 4), number(0x42F3, 8), element(0x4282, b"webm")]
        self._file.write(element(EBML, *head, number(0x4287, 4), number(0x4285, 2)))
        self._file.write(SEGMENT.to_bytes(4, "big"))
        self._length_at = self._file.tell()
        self._file.write(UNKNOWN_SIZE)
        self._begin = self._file.tell()
        self._file.write(element(VOID, bytes(len(self._index(0)) + len(self._about(0)) - 9)))  # for `close`
        track = [number(NUMBER, 1), number(UID, 1), number(KIND, 1), element(CODEC, b"V_VP8")]
        picture = element(VIDEO, number(WIDTH, size[0]), number(HEIGHT, size[1]))
        self._file.write(element(TRACKS, element(TRACK, *track, number(FRAME_NS, round(1e9 / fps)), picture)))

    def write(self, image: NDArray[np.uint8]) -> None:
        """Appends a picture, uint8 [h, w, 3] RGB.

        Raises:
            OSError: if the disk does not take it.
        """
        frame = key_frame(image, self._quality)
        # The next one is probably like this one: the size grows about as the square root of the quality.
        better = (self._quality + 1) * (self._budget / len(frame)) ** 2 - 1
        self._quality = min(BEST, max(WORST, self._quality - 10, min(self._quality + 10, better)))
        time = round(TICKS * self._frames / self._fps)
        if not self._clusters or time >= self._clusters[-1][0] + TICKS:
            self._clusters.append((time, self._file.tell() - self._begin))
        self._file.write(element(CLUSTER, number(TIME, time), element(BLOCK, KEY_FRAME, frame)))
        self._file.flush()
        self._frames += 1

    def close(self) -> None:
        """Writes the index that players seek by, and how long the video is.

        Raises:
            OSError: if the disk does not take it.
        """
        with self._file as file:
            cues = file.tell() - self._begin
            points = [
                element(
                    CUE, number(CUE_TIME, time), element(CUE_PLACE, number(CUE_TRACK, 1), number(CUE_CLUSTER, place))
                )
                for time, place in self._clusters
            ]
            file.write(element(CUES, *points))
            length = file.tell() - self._begin
            file.seek(self._length_at)
            file.write(b"\x01" + length.to_bytes(7, "big"))
            file.write(self._index(cues) + self._about(TICKS * self._frames / self._fps))

    def _index(self, cues: int) -> bytes:
        """Where the cues lie; the element's length is always the same."""
        place = element(SEEK_POSITION, cues.to_bytes(8, "big"))
        return element(SEEK_HEAD, element(SEEK, element(SEEK_ID, CUES.to_bytes(4, "big")), place))

    def _about(self, ticks: float) -> bytes:
        """How long a tick is, and how many the video has; the element's length is always the same."""
        names = element(MUXING_APP, b"mgtta-cam"), element(WRITING_APP, b"mgtta-cam")
        return element(INFO, number(SCALE, 10**9 // TICKS), *names, element(DURATION, struct.pack(">d", ticks)))


def key_frame(image: NDArray[np.uint8], quality: float) -> bytes:
    """A picture as a VP8 key frame: what a lossy WebP file holds."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", quality=quality, method=EFFORT)
    data = buffer.getvalue()
    kind, length = struct.unpack_from("<4sI", data, 12)
    assert kind == b"VP8 ", kind
    return data[20 : 20 + length]


def element(name: int, *parts: bytes) -> bytes:
    """An element of Matroska: its ID, the length of its content in eight bytes, its content."""
    content = b"".join(parts)
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + b"\x01" + len(content).to_bytes(7, "big") + content


def number(name: int, value: int) -> bytes:
    """An element that holds a whole number from 0 on."""
    return element(name, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))
