"""Parses --source: camera, stream, video or pictures. Opens nothing."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mgtta_cam.errors import SourceError
from mgtta_cam.redaction import redact, remember
from mgtta_cam.sources.image_files import is_picture, pictures_below
from mgtta_models.errors import closed

SCHEMES = ("rtsp", "rtsps", "rtmp", "http", "https", "udp")
_DEVICE = re.compile(r"(?:/dev/video)?(\d+)")
_LASTING = "/dev/v4l/"  # by-id/ and by-path/: names that a camera keeps when it is plugged in again


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed source; its kind decides which of the fields below `shown` is set."""

    kind: Literal["camera", "stream", "video", "pictures", "iterable"]
    shown: str  # for display and logs, without secrets
    camera: int | str = -1  # a number, or a lasting name that links to one
    url: str = ""
    paths: tuple[Path, ...] = ()

    @property
    def live(self) -> bool:
        """Whether frames arrive at their own pace rather than when they are requested."""
        return self.kind in ("camera", "stream")


def of_program() -> Address:
    """Returns the address of frames that come from the calling program."""
    return Address("iterable", "frames of a program")


def parse(text: str, *, shown: str | None = None) -> Address:
    """Parses a source.

    Args:
        text: the source, with all `{NAME}` filled in.
        shown: the same before that, for display; by default, `text`.

    Raises:
        SourceError: if there is no such file, folder or match, or the scheme of an address is unknown.
    """
    shown = redact(text if shown is None else shown)
    if match := _DEVICE.fullmatch(text):
        return Address("camera", shown, camera=int(match[1]))
    if text.startswith(_LASTING):
        return Address("camera", shown, camera=text)
    scheme, separator, _ = text.partition("://")
    if separator:
        if scheme.lower() not in SCHEMES:
            raise SourceError(f"{shown}: an address must begin with {', '.join(f'{s}://' for s in SCHEMES)}")
        remember(text)
        return Address("stream", shown, url=text)
    path = Path(os.path.expanduser(text))  # noqa: PTH111  ~nobody is a name like any other, not an error
    if os.path.isdir(path):
        return _pictures(pictures_below(path), shown)
    if os.path.isfile(path):
        return _pictures([path], shown) if is_picture(path) else Address("video", shown, paths=(path,))
    if glob.has_magic(text):
        found = sorted(Path(name) for name in glob.iglob(str(path), recursive=True))  # noqa: PTH207  absolute patterns too
        return _pictures([name for name in found if is_picture(name)], shown)
    why = closed(path)
    raise SourceError(
        f"no such source: {shown}{why}; expected a camera number, a video, a folder of pictures or an address"
    )


def _pictures(paths: list[Path], shown: str) -> Address:
    if not paths:
        raise SourceError(f"no pictures in {shown}; expected .jpg, .png, .webp and the like")
    return Address("pictures", shown, paths=tuple(paths))
