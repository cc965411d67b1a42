"""CONTRIBUTING.md's lists of files are complete: the example of each kind lives in these files, and in no others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = {
    kind: (int(count), body)
    for kind, count, body in re.findall(r"^### A (\w+): (\d+) files\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL)
}
EXAMPLES = {  # kind -> the word that names the section's example, and the file that is new with it
    "method": ("foa_bp", "mgtta/methods/foa_bp.py"),
    "source": ("FolderSource", "app/mgtta_cam/sources/folder.py"),
    "sink": ("ProgressLine", "app/mgtta_cam/sinks/progress.py"),
    "memory": ("Balanced", "mgtta/memory.py"),
}
PRODUCT = [path for room in ("app", "mgtta", "models") for path in (ROOT / room).rglob("*.py")]


def listed(kind: str) -> list[tuple[str, bool]]:
    """The files of a section, each with whether it is new."""
    found = re.findall(r"^\d+\. `([^`]+)`( \(new\))?:", SECTIONS[kind][1], re.MULTILINE)
    return [(path, bool(new)) for path, new in found]


def test_every_kind_is_there() -> None:
    """A method, a source, a sink, a memory, a classifier."""
    assert SECTIONS.keys() == {*EXAMPLES, "classifier"}


@pytest.mark.parametrize("kind", SECTIONS)
def test_files_exist(kind: str) -> None:
    """As many as the heading says; those that are not new exist, and the folders of those that are."""
    files = listed(kind)
    assert len(files) == SECTIONS[kind][0]
    for path, new in files:
        assert (ROOT / path).parent.is_dir() if new else (ROOT / path).is_file(), path


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_example_lives_there_only(kind: str) -> None:
    """Each product file that names the example is one of the list."""
    name, own = EXAMPLES[kind]
    assert f"To follow: `{name}`" in SECTIONS[kind][1]
    allowed = {own, *(path for path, new in listed(kind) if not new)}
    naming = {
        p.relative_to(ROOT).as_posix() for p in PRODUCT if re.search(rf"\b{name}\b", p.read_text(encoding="utf-8"))
    }
    assert own in naming
    assert naming <= allowed


def test_the_room_table_is_the_architectures() -> None:
    """Row by row, folders written out."""
    here = re.findall(r"^\| (opens|changes|computes|comes|serves|knows|chooses)", TEXT, re.MULTILINE)
    there = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert here == re.findall(r"^\| (opens|changes|computes|comes|serves|knows|chooses)", there, re.MULTILINE)


@pytest.mark.parametrize(
    "path", ["CITATION.cff", *(p.relative_to(ROOT).as_posix() for p in ROOT.glob(".github/**/*.yml"))]
)
def test_yaml_is_yaml(path: str) -> None:
    """What other programs read of these files."""
    assert isinstance(yaml.safe_load((ROOT / path).read_text(encoding="utf-8")), dict)
