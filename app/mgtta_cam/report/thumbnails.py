"""Pictures of notable frames, from the recording of the model's input or from the source: the log has no pictures.

Each is verified: a recorded frame by the digest in its log line, a source by the digest of its file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mgtta_cam.digests import digest, of_file
from mgtta_cam.report.moments import Moment, moments
from mgtta_cam.report.run import Run
from mgtta_cam.report.words import plain
from mgtta_cam.types import Image

FARTHEST = 5_000  # a source is read from its beginning; frames beyond this one would take too long
SIDE = 240  # pixels, the longer side
QUALITY = 86


class Thumbnail(NamedTuple):
    """A notable frame and its picture."""

    moment: Moment
    jpeg: bytes
    size: tuple[int, int]  # width, height


class Album(NamedTuple):
    """The pictures found, and where they are from or why there are none."""

    thumbnails: list[Thumbnail]
    words: str


def album(run: Run) -> Album:
    """Pictures of at most twelve notable frames."""
    recorded = run.part("configuration").get("record_input")
    if recorded and (path := _found(run, recorded)) is not None:
        shown = _shown(run, path, range(len(run.frames)), check=True)
        if shown:
            return Album(shown, f"The model's input, from the recording {plain(path.name)}.")
        return Album([], f"No pictures: {plain(path.name)} is not the recording of this run.")
    source = run.part("source")
    path = _found(run, run.part("configuration").get("source")) if source.get("kind") == "video" else None
    if path is None:
        return Album([], "No pictures: neither a recording (--record-input) nor the source file was found.")
    if source.get("digest") != of_file(path):
        return Album([], f"No pictures: {plain(path.name)} has changed since the run.")
    words = f"From the source {plain(path.name)}, before any synthetic corruption."
    return Album(_shown(run, path, run.frames.index.tolist(), check=False), words)


def _found(run: Run, name: object) -> Path | None:
    """A file that a log names, in the folder of the run or next to the log."""
    if not isinstance(name, str):
        return None
    places = [Path(str(run.header.get("folder", ""))) / name, run.path.parent / Path(name).name]
    return next((place for place in places if os.path.isfile(place) and os.access(place, os.R_OK)), None)


def _shown(run: Run, path: Path, number_of: Sequence[int], *, check: bool) -> list[Thumbnail]:
    """Moments whose frames, by number in the file, could be read; with `check`, only those that match the log's digest.

    Checked frames are sought; without a check, only reading all preceding frames is exact.
    """
    within = len(number_of) if check else int(np.searchsorted(number_of, FARTHEST))
    wanted = {number_of[moment.position]: moment for moment in moments(run, within)}
    shown = []
    for number, image in _read(path, sorted(wanted), jump=check):
        moment = wanted[number]
        if not check or int(digest(image), 16) == run.frames.digest[moment.position]:
            shown.append(_small(moment, image))
    return shown


def _read(path: Path, numbers: Sequence[int], *, jump: bool) -> Iterator[tuple[int, Image]]:
    """Read these frames of a video in order, as RGB."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    at = 0
    try:
        for number in numbers:
            if jump:
                capture.set(cv2.CAP_PROP_POS_FRAMES, number)
            else:
                while at < number and capture.grab():
                    at += 1
            whole, image = capture.read()
            at += 1
            if whole:
                yield number, cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.uint8)
    finally:
        capture.release()


def _small(moment: Moment, image: Image) -> Thumbnail:
    scale = min(1.0, SIDE / max(image.shape[:2]))
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return Thumbnail(moment, data.tobytes(), size)
