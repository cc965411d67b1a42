"""A small WebM writer: VP8, every picture a key frame within a size budget. Every browser plays it.

OpenCV's encoders accept no bit rate: they encode noise, which this program often shows, almost losslessly. A lossy
WebP picture is a VP8 key frame (RFC 6386; RFC 9649, section 2.5), so Pillow encodes the frames and this module puts
them into Matroska elements (RFC 9559). Each element is complete when it is written, so a truncated file plays too.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BYTES_PER_PIXEL = 0.075  # per frame: text stays sharp even next to noise
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
KEY_FRAME = b"\x81\x00\x00\x80"  # block header: track 1, at the cluster's time, decodable by itself
TICKS = 1000  # per second


class WebM:
    """Writes a WebM file.

    Args:
        path: the file; replaced if it exists.
        fps: frames per second, > 0.
        size: width and height in pixels.

    Raises:
        OSError: if the file cannot be written.
    """

    def __init__(self, path: Path, fps: float, size: tuple[int, int]) -> None:
        self._file = path.open("wb")  # closed by `close`
        self._fps, self._budget = fps, BYTES_PER_PIXEL * size[0] * size[1]
        self._quality = 30.0
        self._clusters: list[tuple[int, int]] = []  # per second: time in ticks, position in the segment
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
        """Append a picture, uint8 [h, w, 3] RGB.

        Raises:
            OSError: if it cannot be written.
        """
        frame = key_frame(image, self._quality)
        # Assume that the next picture is similar, and that size grows about as the square root of quality.
        better = (self._quality + 1) * (self._budget / len(frame)) ** 2 - 1
        self._quality = min(BEST, max(WORST, self._quality - 10, min(self._quality + 10, better)))
        time = round(TICKS * self._frames / self._fps)
        if not self._clusters or time >= self._clusters[-1][0] + TICKS:
            self._clusters.append((time, self._file.tell() - self._begin))
        self._file.write(element(CLUSTER, number(TIME, time), element(BLOCK, KEY_FRAME, frame)))
        self._file.flush()
        self._frames += 1

    def close(self) -> None:
        """Write the index for seeking and the duration.

        Raises:
            OSError: if they cannot be written.
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
        """The element that locates the cues; its length is constant."""
        place = element(SEEK_POSITION, cues.to_bytes(8, "big"))
        return element(SEEK_HEAD, element(SEEK, element(SEEK_ID, CUES.to_bytes(4, "big")), place))

    def _about(self, ticks: float) -> bytes:
        """The element with the tick length and the number of ticks; its length is constant."""
        names = element(MUXING_APP, b"mgtta-cam"), element(WRITING_APP, b"mgtta-cam")
        return element(INFO, number(SCALE, 10**9 // TICKS), *names, element(DURATION, struct.pack(">d", ticks)))


def key_frame(image: NDArray[np.uint8], quality: float) -> bytes:
    """Encode a picture as a VP8 key frame, the content of a lossy WebP file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", quality=quality, method=EFFORT)
    data = buffer.getvalue()
    kind, length = struct.unpack_from("<4sI", data, 12)
    assert kind == b"VP8 ", kind
    return data[20 : 20 + length]


def element(name: int, *parts: bytes) -> bytes:
    """A Matroska element: its ID, the length of its content in eight bytes, and its content."""
    content = b"".join(parts)
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + b"\x01" + len(content).to_bytes(7, "big") + content


def number(name: int, value: int) -> bytes:
    """An element that holds a nonnegative integer."""
    return element(name, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))
