"""The house keeps its shape (docs/architecture.md): imports go one way, without a circle, from room to room."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "mgtta_models": ROOT / "models",
    "mgtta": ROOT,
    "mgtta_cam": ROOT / "app",
}  # each may import those before it
FLAT = ("types", "errors", "events", "digests", "redaction", "outputs")  # what all rooms of mgtta_cam speak in
ROOMS = (  # from low to high: each may import itself and the rooms before it
    *("config", "metrics", "corruptions", "sources", "log", "adaptation", "stream", "overlay", "sinks", "offline"),
    *("replay", "report", "bench", "assembly", "cli"),
)
TOP = ("api",)  # beside the command line: the same for Python
RANKS = dict.fromkeys(FLAT, 0) | {name: k for k, name in enumerate(ROOMS, start=1)} | dict.fromkeys(TOP, len(ROOMS))
CONCRETE = ("mgtta_cam.sources.", "mgtta_cam.sinks.", "mgtta.methods.", "mgtta_models.backbone")
PLAIN = ("mgtta_cam.sources.image_files",)  # names of files: no source
MAY_NAME_CONCRETE = ("mgtta_cam.assembly", "mgtta_cam.cli.doctor")  # the doctor probes them one by one
BANNED = ("utils", "misc", "common", "helpers", "build")
LONGEST = 300  # lines
HEAVY = {"torch", "timm", "cv2", "numba", "matplotlib", "onnx", "onnxruntime"}


def modules() -> dict[str, Path]:
    """All modules of the three packages by their dotted names."""
    found: dict[str, Path] = {}
    for package, folder in PACKAGES.items():
        for path in sorted((folder / package).rglob("*.py")):
            name = ".".join(path.relative_to(folder).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


MODULES = modules()


def imports(name: str) -> Iterator[str]:
    """Our own modules that a module imports, wherever in the file."""
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            assert not node.level, f"{name} imports relatively"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (one if one in MODULES else node.module for one in whole)


def room(name: str) -> str:
    """The room of a module of mgtta_cam; empty for the package itself."""
    return (*name.split("."), "")[1]


@pytest.mark.parametrize("name", MODULES)
def test_packages_import_one_way(name: str) -> None:
    """mgtta_cam may know mgtta and mgtta_models, mgtta may know mgtta_models, which knows neither."""
    order = list(PACKAGES)
    allowed = order[: order.index(name.split(".")[0]) + 1]
    wrong = {other for other in imports(name) if other.split(".")[0] not in allowed}
    assert not wrong, f"{name} imports {sorted(wrong)}: an arrow that goes up"


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("mgtta_cam.")])
def test_rooms_import_downward(name: str) -> None:
    """A room knows itself and the rooms below it."""
    assert room(name) in RANKS, f"{name} lies flat in mgtta_cam; known are {', '.join(RANKS)}"
    others = {other for other in imports(name) if other.startswith("mgtta_cam.") and room(other) != room(name)}
    wrong = {other for other in others if RANKS[room(other)] > RANKS[room(name)]}
    wrong |= {other for other in others if RANKS[room(name)] and RANKS[room(other)] == RANKS[room(name)]}
    assert not wrong, f"{name} imports {sorted(wrong)}: an arrow that goes up"


def test_there_is_no_circle() -> None:
    """Neither of modules, wherever in a file the import stands, nor of rooms."""
    graph = {name: {other for other in imports(name) if other != name} for name in MODULES}
    packages = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    graph = {name: others for name, others in graph.items() if name not in packages}  # they pass names on
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(f"a circle of imports: {' -> '.join(circle.args[1])}")


@pytest.mark.parametrize("name", MODULES)
def test_concrete_classes_meet_in_assembly(name: str) -> None:
    """Only assembly, and a room itself, name a concrete source, sink, method or backbone module."""
    if name.startswith(MAY_NAME_CONCRETE):
        return
    package = name.split(".")[0]
    own = f"mgtta_cam.{room(name)}." if package == "mgtta_cam" else f"{package}."
    wrong = {other for other in imports(name) if other.startswith(CONCRETE) and not other.startswith((own, *PLAIN))}
    assert not wrong, f"{name} names {sorted(wrong)}; only mgtta_cam.assembly may"


@pytest.mark.parametrize("name", [name for name in MODULES if not name.startswith("mgtta_models")])
def test_models_are_seen_from_outside(name: str) -> None:
    """Only mgtta_models reaches into a backbone's `.vit`; the others see a Classifier."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    reaching = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "vit"]
    assert not reaching, f"{name} reaches into .vit in lines {reaching}: use mgtta_models.Classifier"


@pytest.mark.parametrize("name", MODULES)
def test_files_hold_one_idea(name: str) -> None:
    """A file past 300 lines holds two ideas, and a name that says nothing holds none."""
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= LONGEST
    assert not set(name.split(".")) & set(BANNED)


def test_packages_import_nothing_heavy() -> None:
    """A package's own file brings none of what takes seconds: `--help` and names alone must not wait for it."""
    packages = [name for name, path in MODULES.items() if path.name == "__init__.py"]
    code = f"import sys; [__import__(name) for name in {packages}]; print(*{HEAVY} & sys.modules.keys())"
    came = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not came
