"""The help of each command and option is plain English."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer.main

from mgtta_cam.cli import main

PROGRAM: Any = typer.main.get_command(main.app)
COMMANDS = {"mgtta-cam": PROGRAM, **PROGRAM.commands}
STILTED = re.compile(
    r"(?:^|[.;:] )Of\b|\b(?:so (?:many|much|long|old)|told|tells of|hears|beside|lessons?|teach\w*|taught|doubt|shall|"
    r"mistakes?|is to be)\b|leave\b.*\baway"
)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_has_one_sentence_of_its_own(name: str) -> None:
    """It says what the option does, then its default or range; no two options of a command share it."""
    texts = [parameter.help for parameter in COMMANDS[name].params if parameter.name != "help"]
    for text in texts:
        sentence = re.sub(r" Default: \S+\.$", "", text)
        assert sentence[0].isupper(), text
        assert sentence.endswith("."), text
        assert not re.search(r"[.!?] [A-Z]", sentence), text
        assert not STILTED.search(text), text
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_described(name: str) -> None:
    """In plain words, which say what it does."""
    command = COMMANDS[name]
    assert command.help.strip()
    assert not STILTED.search(f"{command.help} {command.epilog or ''}")
