"""Encode a video in a separate process: `python encoder.py PATH FOURCC FPS`, with raw pictures on stdin.

OpenCV buffers the last 256 KiB of a file, and an .mp4 without its end is unreadable. If the drawing program is
killed, the pipe closes and this process still finishes the file. It imports nothing from the package, to start fast.
"""

from __future__ import annotations

import signal
import struct
import sys

import cv2
import numpy as np

SIZE = struct.Struct("<II")  # width and height in pixels; precedes the first picture
READY = "ready"  # first line on stdout if the file could be opened; any other line says what went wrong


def main() -> int:
    """Encode pictures, uint8 [h, w, 3] RGB, until the pipe closes; returns the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the drawing program decides when to stop
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
        return failed(f"the disk is not writable, or this OpenCV has no encoder {codec} for {width} x {height}")
    print(READY, flush=True)
    image = np.empty((height, width, 3), np.uint8)
    while pictures.readinto(image.reshape(-1).data) == image.size:
        # OpenCV 4 returns None, OpenCV 5 whether the picture was accepted.
        if writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR)) is False:
            writer.release()
            return failed("the disk is full or not writable")
    writer.release()  # writes the index, and does not report failure
    check = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
    if not (check.isOpened() and check.grab()):
        return failed("the file could not be finished: the disk is full or not writable")
    return 0


def failed(why: str) -> int:
    """Report a failure on stdout; returns the exit status."""
    print(why, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
