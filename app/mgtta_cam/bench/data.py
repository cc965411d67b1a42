"""The pictures of a bench: a folder or a CSV list, the published ImageNet-C, or variants of ImageNet."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from mgtta_cam.corruptions.names import NAMES
from mgtta_cam.errors import SourceError, UsageError
from mgtta_cam.offline.pictures import decode, find, stretch
from mgtta_cam.types import Image
from mgtta_models import Labels

CLEAN = "clean"
VARIANTS = ("imagenet-r", "imagenet-sketch", "imagenet-a")  # already shifted, so not corrupted


@dataclass(frozen=True, slots=True)
class Pictures:
    """Labeled pictures, in the order given by the seed."""

    root: Path
    items: tuple[tuple[str, int], ...]  # (path below the root, index among the candidate classes)
    kind: str = "images"  # images, imagenet-c, imagenet-r, imagenet-sketch, imagenet-a
    kept: tuple[int, ...] | None = None  # the candidate classes, unless they are all of the model's
    unknown: tuple[str, ...] = ()  # folders or names that match no class; ignored

    @property
    def ready_made(self) -> bool:
        """Whether the pictures are stored corrupted, as corruption / severity / folder / file."""
        return self.kind == "imagenet-c"

    def digest(self, corruptions: Iterable[str], severity: int) -> str:
        """sha256 over the files' classes, paths, sizes and modification times.

        Contents are not read: the published ImageNet-C has 750,000 files per severity.
        """
        sha = hashlib.sha256()
        for below in [f"{name}/{severity}" for name in corruptions] if self.ready_made else [""]:
            for path, label in self.items:
                try:
                    status = (self.root / below / path).stat()
                except OSError:
                    continue  # reported when it is read
                sha.update(
                    f"{below} {path} {label} {status.st_size} {status.st_mtime_ns}\n".encode(errors="surrogateescape")
                )
        return sha.hexdigest()

    def drawn(self, count: int | None, skip: int, seed: int) -> Pictures:
        """Take `count` (all, if None) after the first `skip` of the shuffled pictures, as `Selection.draw` does."""
        return replace(self, items=stretch(self.items, count, skip, seed, self.root))

    def available(self) -> list[str]:
        """`corruption/severity` folders of ready-made corruptions."""
        wanted = (self.root / name / f"{severity}" for name in NAMES for severity in range(1, 6))
        found = (folder for folder in wanted if os.path.isdir(folder))
        return [f"{folder.parent.name}/{folder.name}" for folder in found]

    def read(self, place: int, corruption: str, severity: int) -> Image | None:
        """Decode the picture at a place in the order, as uint8 [h, w, 3] RGB.

        Returns:
            None if the file is not a picture, or is missing, as in an archive that was unpacked only in part.

        Raises:
            SourceError: if the file cannot be read.
        """
        below = f"{corruption}/{severity}" if self.ready_made else ""
        path = self.root / below / self.items[place][0]
        try:
            return decode(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceError(f"cannot read {path}: {error.strerror or error}") from None

    def offers(self, corruption: str, severity: int) -> bool:
        """Whether the pictures are available under a corruption."""
        return not self.ready_made or os.path.isdir(self.root / corruption / str(severity))


def folder(root: Path, labels: Labels, kind: str = "images") -> Pictures:
    """Pictures from a folder of class folders (WordNet ids, names or numbers) or from a CSV file `path,class`.

    ImageNet-R and -A have 200 classes; only those are candidates then. Folders that match no class are ignored.

    Raises:
        SourceError: if there are no pictures.
        UsageError: if no folder matches a class.
    """
    if os.path.isfile(root):
        return _labeled(root.parent, _listed(root), labels, kind)
    pictures = find(root)
    return _labeled(root, ((path.relative_to(root).as_posix(), path.parent.name) for path in pictures), labels, kind)


def imagenet_c(root: Path, labels: Labels) -> Pictures:
    """Pictures from the published archive: corruption / severity / WordNet id / picture.

    Only the first folder is listed: 75 listings of 50,000 files would take minutes.

    Raises:
        SourceError: if the folder has another layout.
    """
    below = Pictures(root, (), kind="imagenet-c").available()
    if not below:
        raise SourceError(
            f"expected the layout of ImageNet-C in {root}, such as gaussian_noise/5/n01440764/*.JPEG; "
            "unpack its archives side by side, or use --images for clean pictures"
        )
    start = root / below[0]
    pictures = ((path.relative_to(start).as_posix(), path.parent.name) for path in find(start))
    return _labeled(root, pictures, labels, "imagenet-c")


def _labeled(root: Path, found: Iterable[tuple[str, str]], labels: Labels, kind: str) -> Pictures:
    index: dict[str, int | None] = {}
    items = []
    for path, name in found:
        if name not in index:
            index[name] = _class(labels, name)
        items.append((path, index[name]))
    known = [(path, label) for path, label in items if label is not None]
    unknown = tuple(name for name, label in index.items() if label is None)
    if not known:
        raise UsageError(
            f"no folder or name in {root} is a class of the model (got {', '.join(list(index)[:3])}): expected WordNet "
            f"ids, names such as {labels.names[0]!r}, or numbers; use --labels FILE for other classes"
        )
    if kind in ("imagenet-r", "imagenet-a"):
        kept = tuple(sorted({label for _, label in known}))
        place = {label: i for i, label in enumerate(kept)}
        return Pictures(root, tuple((path, place[label]) for path, label in known), kind, kept, unknown)
    return Pictures(root, tuple(known), kind, None, unknown)


def _class(labels: Labels, name: str) -> int | None:
    try:
        return labels.index(name)
    except ValueError:
        return None


def _listed(path: Path) -> list[tuple[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [[part.strip() for part in row] for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"expected a CSV file `path,class`; cannot read {path}: {error}") from None
    rows = rows[1:] if rows and [part.lower() for part in rows[0]] == ["path", "class"] else rows
    wrong = next((row for row in rows if len(row) != 2), None)
    if wrong or not rows:
        raise SourceError(f"expected a CSV file `path,class` with one line per picture; {path} has {wrong or 'none'}")
    if missing := next((name for name, _ in rows if not os.path.isfile(path.parent / name)), None):
        raise SourceError(f"{path} names a missing picture: {missing} (paths are relative to the CSV file)")
    return [(os.path.normpath(name), label) for name, label in rows]
