"""Which pictures a bench reads, and what they are."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from pathlib import Path

import pytest

from mgtta_cam.bench.data import folder, imagenet_c
from mgtta_cam.errors import SourceError, UsageError
from mgtta_models import Labels
from tests.mgtta_cam.pictures import write_pictures
from tests.mgtta_cam.tiny import CLASSES

LABELS = Labels(CLASSES)


def test_links_are_looked_into(tmp_path: Path) -> None:
    """A data set is often a folder of links; one that leads back to itself ends."""
    real = write_pictures(tmp_path / "p")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "mug").symlink_to(real / "mug")
    (tree / "again").symlink_to(tree)
    assert [path for path, _ in folder(tree, LABELS).items] == sorted(f"mug/{p.name}" for p in (real / "mug").iterdir())


def test_what_cannot_be_a_picture(tmp_path: Path) -> None:
    """A header that claims 3,600 megapixels, and a name that is not UTF-8, are handled."""
    folder_of_one = tmp_path / "mug"
    folder_of_one.mkdir()
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    content = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (folder_of_one / os.fsdecode(b"\xff\xfe.png")).write_bytes(content)
    found = folder(tmp_path, LABELS)
    assert found.read(0, "clean", 0) is None
    assert len(found.digest((), 0)) == 64


def test_folders_are_classes(tmp_path: Path) -> None:
    """A folder without a class is ignored and named; a file that is not a picture is found when it is read."""
    found = folder(write_pictures(tmp_path / "p"), LABELS)
    assert found.unknown == ("unicorn",)
    assert sorted({label for _, label in found.items}) == [0, 1, 2, 3]
    images = {path: found.read(place, "clean", 0) for place, (path, _) in enumerate(found.items)}
    assert [path for path, image in images.items() if image is None] == ["mug/broken.png"]
    assert found.drawn(None, 0, 1).items != found.items
    assert found.drawn(5, 2, 1).items == found.drawn(None, 0, 1).items[2:7]
    with pytest.raises(UsageError, match="too few for --count 99"):
        found.drawn(99, 0, 1)


def test_a_list_of_pictures(tmp_path: Path) -> None:
    """CSV `path,class`, with a heading or without; paths are relative to it."""
    root = write_pictures(tmp_path / "p")
    table = tmp_path / "list.csv"
    table.write_text("path,class\np/mug/0.png,mug\np/unicorn/1.png,hat\n", encoding="utf-8")
    assert folder(table, LABELS).items == (("p/mug/0.png", 0), ("p/unicorn/1.png", 3))
    table.write_text("p/mug/0.png;mug\n", encoding="utf-8")
    with pytest.raises(SourceError, match="expected a CSV file `path,class`"):
        folder(table, LABELS)
    table.write_text("p/gone.png,mug\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"missing picture: p/gone\.png"):
        folder(table, LABELS)
    shutil.rmtree(root)


def test_no_class_fits(tmp_path: Path) -> None:
    """The classes of the model are named."""
    write_pictures(tmp_path / "p")
    with pytest.raises(UsageError, match=r"is a class of the model .* 'cat'"):
        folder(tmp_path / "p", Labels(("cat", "dog")))


def test_variants_leave_their_classes_to_choose_from(tmp_path: Path) -> None:
    """ImageNet-R's folders say which classes there are; labels count among them."""
    root = write_pictures(tmp_path / "r")
    shutil.rmtree(root / "chair")
    found = folder(root, LABELS, "imagenet-r")
    assert found.kept == (0, 2, 3)
    assert {label for path, label in found.items if path.startswith("hat")} == {2}
    assert folder(root, LABELS, "imagenet-sketch").kept is None


def test_imagenet_c(tmp_path: Path) -> None:
    """The layout is corruption, severity, class, picture; missing ones are known in advance."""
    for severity in (3, 5):
        write_pictures(tmp_path / "c" / "fog" / str(severity))
    found = imagenet_c(tmp_path / "c", LABELS)
    assert found.available() == ["fog/3", "fog/5"]
    assert found.offers("fog", 5)
    assert not found.offers("snow", 5)
    assert found.read(1, "fog", 5) is not None
    assert found.digest(["fog"], 5) != found.digest(["fog"], 3)
    before = found.digest(["fog"], 5)
    (tmp_path / "c" / "fog" / "5" / "hat" / "0.png").write_bytes(b"another")
    assert found.digest(["fog"], 5) != before
    with pytest.raises(SourceError, match="layout of ImageNet-C"):
        imagenet_c(write_pictures(tmp_path / "plain"), LABELS)
