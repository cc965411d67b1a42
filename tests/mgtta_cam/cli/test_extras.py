"""Packages that only some commands need are extras; if one is missing, one line names the extra."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

from mgtta_models.errors import MissingPackageError, ModelError, needs
from tests.mgtta_cam.conftest import Command

ROOT = Path(__file__).resolve().parents[3]
EXTRAS: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]


def installed_by(extra: str) -> set[str]:
    """The packages of an extra, including those of extras that it refers to."""
    found: set[str] = set()
    for requirement in EXTRAS[extra]:
        if own := re.fullmatch(r"mgtta-cam\[(.+)\]", requirement):
            found |= {package for name in own[1].split(",") for package in installed_by(name)}
        else:
            found.add(re.split(r"[<>=]", requirement)[0])
    return found


def test_bench_is_all_extras() -> None:
    """The extra bench includes all others; the development group installs it."""
    assert installed_by("bench") == {"cma", "matplotlib", "ray"} == set().union(*map(installed_by, EXTRAS))


def test_extras_install_what_they_are_named_for() -> None:
    """Each call of `needs` in the three packages names an extra that installs the package."""
    files = [path for folder in ("app", "mgtta", "models") for path in (ROOT / folder).rglob("*.py")]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    calls = [
        (ast.literal_eval(node.args[0]), ast.literal_eval(node.keywords[0].value))
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "needs"
    ]
    assert {package for package, _ in calls} == installed_by("bench")
    assert [call for call in calls if call[0] not in installed_by(call[1])] == []


def test_an_installed_package_is_enough() -> None:
    """The check does not import the package, which can take seconds."""
    before = set(sys.modules)
    needs("tomllib", "a test", extra="bench")
    assert set(sys.modules) - before <= {"tomllib"}


def test_a_library_user_may_catch_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing package raises an ImportError, as everywhere in Python, which also has an exit code."""
    monkeypatch.setitem(sys.modules, "cma", None)
    with pytest.raises(ImportError, match=re.escape('pip install "mgtta-cam[foa]"')) as caught:
        needs("cma", "the method foa", extra="foa")
    assert isinstance(caught.value, ModelError)
    assert isinstance(caught.value, MissingPackageError)


@pytest.mark.parametrize(
    ("package", "words", "line"),
    [
        ("cma", "--source clip.mkv --model demo --method foa", 'the method foa needs cma, _ "mgtta-cam[foa]"'),
        ("cma", "bench --speed --model demo", 'bench --speed needs cma, _ "mgtta-cam[bench]"'),
        ("matplotlib", "bench --images pictures", 'bench needs matplotlib, _ "mgtta-cam[bench]"'),
        ("matplotlib", "report a.jsonl", 'report needs matplotlib, _ "mgtta-cam[report]"'),
        ("ray", "bench --images pictures --ray", 'bench --ray needs ray, _ "mgtta-cam[ray]"'),
    ],
)
def test_one_line_names_the_extra(
    command: Command, ready: list[str], monkeypatch: pytest.MonkeyPatch, package: str, words: str, line: str
) -> None:
    """The program ends before anything slow, without a traceback, with exit code 2."""
    assert ready
    monkeypatch.setitem(sys.modules, package, None)
    ended = command(*words.split())
    expected = f"mgtta-cam: {line.replace('_', 'which is not installed: pip install')}\n"
    assert (ended.code, ended.err, ended.out) == (2, expected, "")


def test_what_if(command: Command, ready: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain replay draws nothing; --what-if checks for the package before the first run."""
    assert command(*ready, "--log", "a.jsonl").code == 0
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert command("replay", "a.jsonl").code == 0
    ended = command("replay", "a.jsonl", "--what-if", "method=none")
    expected = 'replay --what-if needs matplotlib, which is not installed: pip install "mgtta-cam[report]"\n'
    assert (ended.code, ended.err) == (2, f"mgtta-cam: {expected}")
