"""Encodes a video in a process of its own: `python encoder.py PATH FOURCC FPS`, raw pictures on stdin.

OpenCV holds the last 256 KiB of a file back, and an .mp4 without its end is lost. When the program that draws is
killed, the pipe ends here, and the file is finished all the same. Nothing of ours is imported: it starts quickly.
"""

from __future__ import annotations

import signal
import struct
import sys

import cv2
import numpy as np

SIZE = struct.Struct("<II")  # width and height in pixels: what comes first
READY = "ready"  # the first line that is answered, if the file could be opened; another line says what went wrong


def main() -> int:
    """Takes pictures until the pipe ends: uint8 [h, w, 3] RGB each."""
    for number in (signal.SIGINT, signal.SIGTERM):  # whoever draws decides when the end has come
        signal.signal(number, signal.SIG_IGN)
    path, codec, fps = sys.argv[1:]
    pictures = open(0, "rb")  # noqa: SIM115  stdin, until the process ends
    size = pictures.read(SIZE.size)
    if len(size) < SIZE.size:
        return 0
    width, height = SIZE.unpack(size)
    fourcc = cv2.VideoWriter.fourcc(codec[0], codec[1], codec[2], codec[3])
    writer = cv2.VideoWriter(path, cv2.CAP_FFMPEG, fourcc, float(fps), (width, height))
    if not writer.isOpened():
        return failed(f"the disk does not take it, or this OpenCV has no encoder {codec} for {width} x {height}")
    print(READY, flush=True)
    image = np.empty((height, width, 3), np.uint8)
    while pictures.readinto(image.reshape(-1).data) == image.size:
        # OpenCV 4 returns None, OpenCV 5 whether the picture was taken.
        if writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR)) is False:
            writer.release()
            return failed("the disk is full or does not take the data")
    writer.release()  # writes the index, and says nothing if that fails
    check = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
    if not (check.isOpened() and check.grab()):
        return failed("it was not finished, as the disk is full or does not take the data")
    return 0


def failed(why: str) -> int:
    """Says so."""
    print(why, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
