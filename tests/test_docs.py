"""Documents fail when they lie."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from mgtta import METHODS
from mgtta_cam.cli import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^(mgtta-cam .*?)(?: +#.*)?$", README, re.MULTILINE)


def test_every_method_has_a_row() -> None:
    """In the order of METHODS, and no other."""
    assert re.findall(r"^\| `([a-z0-9-]+)` \|", README, re.MULTILINE) == list(METHODS)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_have_their_options(command: str) -> None:
    """Each option in the README's commands is one of the program's."""
    words = shlex.split(command)[1:]
    program = typer.main.get_command(main.app)
    sub = getattr(program, "commands", {}).get(words[0], program)
    known = {name for parameter in sub.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("-")} <= known
