"""The house keeps its shape: imports go one way, and concrete classes meet in one place only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("models", "mgtta", "app")  # each may import itself and the rooms before it
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
CONCRETE = ("app.sources.", "app.sinks.", "app.web.", "mgtta.methods.", "models.backbone")
MAY_NAME_CONCRETE = "app/build/"


def imports(path: Path) -> Iterator[str]:
    """Names of all modules that a file imports, wherever in the file it does so."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def ids(path: Path) -> str:
    """A file's name for the test report."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_imports_go_one_way(path: Path) -> None:
    """App may know mgtta and models, mgtta may know models, models knows neither."""
    room = path.relative_to(ROOT).parts[0]
    allowed = ROOMS[: ROOMS.index(room) + 1]
    wrong = {name for name in imports(path) if name.split(".")[0] in ROOMS and name.split(".")[0] not in allowed}
    assert not wrong, f"{ids(path)} is in {room} and imports {sorted(wrong)}"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_concrete_classes_meet_in_build(path: Path) -> None:
    """Only app/build, and a package itself, name a concrete source, sink, method or backbone module."""
    name = ids(path)
    if name.startswith(MAY_NAME_CONCRETE):
        return
    room, *folder = path.relative_to(ROOT).parent.parts
    own = f"{room}.{folder[0] if folder else ''}." if room == "app" else f"{room}."
    wrong = {m for m in imports(path) if m.startswith(CONCRETE) and not m.startswith(own)}
    assert not wrong, f"{name} names {sorted(wrong)}; only app/build may"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_files_hold_one_idea(path: Path) -> None:
    """A file past 300 lines holds two ideas."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
