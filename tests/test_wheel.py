"""What is installed holds what the program needs beside its code, under names that are nobody else's.

The wheel is unpacked into a folder of its own, and run by this interpreter without its site-packages' `.pth` files: the
packages that it depends on are there, the clone (an editable installation) is not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from mgtta_cam.sinks.web.page import PARTS
from mgtta_models.shipped import manifest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("mgtta", "mgtta_cam", "mgtta_models")
DEPENDENCIES = sysconfig.get_path("purelib")
FOREIGN = ("app", "models")  # names that other people's projects have
CODE = """
import sys
for name in ("app", "models"):
    try:
        __import__(name)
    except RuntimeError as error:
        print(error)  # it is in the way
import mgtta, mgtta_cam, mgtta_models
from importlib.metadata import distribution
print(*mgtta.METHODS)
program = distribution("mgtta-cam").entry_points["mgtta-cam"].load()
print(*(module.__file__ for name, module in sys.modules.items() if name.startswith("mgtta")))
sys.argv = ["mgtta-cam", "--help"]
program()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs, and nothing else."""
    folder = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Somebody's project, with packages `app` and `models` that are not to be imported."""
    for name in FOREIGN:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise RuntimeError('the {name} of another project')\n")
    return tmp_path


def test_the_wheel_is_whole(wheel: Path) -> None:
    """The page's parts, the clip with its labels, the shipped weights, and the marks of typed packages."""
    held = set(zipfile.ZipFile(wheel).namelist())
    needed = [*PARTS.iterdir(), *(entry.path for entry in manifest())]
    inside = {path.relative_to(ROOT / folder).as_posix() for folder in ("app", "models") for path in needed
              if path.is_relative_to(ROOT / folder)}  # fmt: skip
    assert len(inside) == len(needed)
    clip = {"mgtta_cam/samples/clip.mp4", "mgtta_cam/samples/clip.labels.csv"}
    assert inside | clip | {f"{name}/py.typed" for name in PACKAGES} <= held


def test_top_level_names(installed: Path) -> None:
    """Three packages and the record of the installation."""
    names = sorted(path.name for path in installed.iterdir())
    assert [name for name in names if not name.endswith(".dist-info")] == sorted(PACKAGES)
    assert len(names) == len(PACKAGES) + 1


@pytest.mark.parametrize("way", ["in its folder", "on PYTHONPATH"])
def test_projects_with_common_names_stay_apart(installed: Path, foreign: Path, tmp_path: Path, way: str) -> None:
    """`import mgtta`, `import mgtta_cam` and `mgtta-cam --help` work beside another project's `app` and `models`."""
    (tmp_path / "empty").mkdir()
    inside = way == "in its folder"
    path = [str(entry) for entry in (*([] if inside else [foreign]), installed, DEPENDENCIES)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    # -S: no .pth file of site-packages is read, so that an editable installation of the clone does not exist;
    # -c puts the working folder first, PYTHONPATH comes next.
    command = [sys.executable, "-S", "-c", CODE]
    folder = foreign if inside else tmp_path / "empty"
    done = subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    *ours, methods, files, rest = done.stdout.split("\n", 4)
    assert ours == [f"the {name} of another project" for name in FOREIGN]
    assert "mgtta" in methods.split()
    assert len(files.split()) > 5
    assert all(Path(file).is_relative_to(installed) for file in files.split())
    assert "--source" in rest
