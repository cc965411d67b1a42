"""The pictures of a bench: a folder or a list of them, the published ImageNet-C, or ImageNet's variants."""

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
VARIANTS = ("imagenet-r", "imagenet-sketch", "imagenet-a")  # shifted by themselves: not corrupted further


@dataclass(frozen=True, slots=True)
class Pictures:
    """Labeled pictures, in the order that the seed gave them."""

    root: Path
    items: tuple[tuple[str, int], ...]  # path below the root, class among those to choose from
    kind: str = "images"  # images, imagenet-c, imagenet-r, imagenet-sketch, imagenet-a
    kept: tuple[int, ...] | None = None  # the classes to choose from, where they are not all
    unknown: tuple[str, ...] = ()  # folders or names that match no class: left out

    @property
    def ready_made(self) -> bool:
        """Whether the pictures lie there corrupted: corruption / severity / folder / file."""
        return self.kind == "imagenet-c"

    def digest(self, corruptions: Iterable[str], severity: int) -> str:
        """sha256 over classes, paths, sizes and times of the files: another file, another digest.

        Contents are not read: the published ImageNet-C has 750,000 files a severity.
        """
        sha = hashlib.sha256()
        for below in [f"{name}/{severity}" for name in corruptions] if self.ready_made else [""]:
            for path, label in self.items:
                try:
                    status = (self.root / below / path).stat()
                except OSError:
                    continue  # told when it is read
                sha.update(
                    f"{below} {path} {label} {status.st_size} {status.st_mtime_ns}\n".encode(errors="surrogateescape")
                )
        return sha.hexdigest()

    def drawn(self, count: int | None, skip: int, seed: int) -> Pictures:
        """Takes `count` (all, if None) after the first `skip` of the shuffled pictures, as `Selection.draw` does."""
        return replace(self, items=stretch(self.items, count, skip, seed, self.root))

    def available(self) -> list[str]:
        """`corruption/severity` folders of ready-made corruptions."""
        wanted = (self.root / name / f"{severity}" for name in NAMES for severity in range(1, 6))
        found = (folder for folder in wanted if os.path.isdir(folder))
        return [f"{folder.parent.name}/{folder.name}" for folder in found]

    def read(self, place: int, corruption: str, severity: int) -> Image | None:
        """Decodes the picture at a place of the order, uint8 [h, w, 3] RGB; None if it is no picture.

        None too if it is missing, as in an archive that was not unpacked to its end.

        Raises:
            SourceError: if the file cannot be read at all.
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
        """Whether the pictures can be had under a corruption."""
        return not self.ready_made or os.path.isdir(self.root / corruption / str(severity))


def folder(root: Path, labels: Labels, kind: str = "images") -> Pictures:
    """A folder of folders named by class: WordNet ids, names or numbers; or a CSV file `path,class`.

    ImageNet-R and -A have 200 classes: only these are to choose from then. Folders that match no class are left out.

    Raises:
        SourceError: if there is no picture.
        UsageError: if no folder matches a class.
    """
    if os.path.isfile(root):
        return _labeled(root.parent, _listed(root), labels, kind)
    pictures = find(root)
    return _labeled(root, ((path.relative_to(root).as_posix(), path.parent.name) for path in pictures), labels, kind)


def imagenet_c(root: Path, labels: Labels) -> Pictures:
    """The published archive: corruption / severity / WordNet id / picture.

    The first folder there is says which pictures there are: 75 listings of 50,000 files would take minutes.

    Raises:
        SourceError: if the folder does not look like that.
    """
    below = Pictures(root, (), kind="imagenet-c").available()
    if not below:
        raise SourceError(
            f"expected the layout of ImageNet-C in {root}: gaussian_noise/5/n01440764/*.JPEG and the like; "
            "unpack its archives side by side, or give --images for clean pictures"
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
            f"ids, names such as {labels.names[0]!r}, or numbers; give --labels FILE for other classes"
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
        raise SourceError(
            f"expected a CSV file `path,class` with a line for each picture; {path} has {wrong or 'none'}"
        )
    if missing := next((name for name, _ in rows if not os.path.isfile(path.parent / name)), None):
        raise SourceError(f"{path} names a picture that is not there: {missing} (paths are relative to the CSV file)")
    return [(os.path.normpath(name), label) for name, label in rows]
