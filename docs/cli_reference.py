"""Writes docs/options.md: every command and every option, taken from the program itself, so that the page cannot lie.

Run by `make docs`, from the repository's root: python docs/cli_reference.py
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import typer.main

from mgtta_cam.cli import main
from mgtta_cam.config.settings import PANELS

KINDS = {Path: "PATH", int: "N", float: "NUMBER", str: "TEXT"}  # as `cli.options` names the settings' own
PAGE = Path(__file__).with_name("options.md")
HEAD = """# All options

Made from the program by `docs/cli_reference.py` each time the site is built; `mgtta-cam --help` and
`mgtta-cam COMMAND --help` print the same.

Each option of a run (the first section) is also an environment variable and a key of the TOML file that `--config`
reads: `--vid-stride 2` is `MGTTA_CAM_VID_STRIDE=2` or `vid_stride = 2`. A flag wins over the environment, the
environment over the file. `--print-config` prints the settings that result."""


def page() -> str:
    """The whole page, Markdown."""
    program: Any = typer.main.get_command(main.app)
    commands = {"mgtta-cam": program} | {f"mgtta-cam {name}": c for name, c in program.commands.items()}
    return "\n\n".join([HEAD, *(section(name, command) for name, command in commands.items())]) + "\n"


def section(name: str, command: Any) -> str:
    """One command: its help, its arguments, and a table of options for each panel of its help."""
    parts = [f"## {name}", escaped(command.help.strip())]
    parts += [
        f"`{p.metavar or p.name.upper()}`: {escaped(p.help)}" for p in command.params if p.param_type_name == "argument"
    ]
    options = [p for p in command.params if p.param_type_name == "option"]
    order = ("Options", *PANELS)
    for panel, members in groupby(sorted(options, key=lambda o: order.index(_panel(o))), key=_panel):
        parts += [f"**{panel}**", "\n".join(table(members))]
    return "\n\n".join(parts)


def table(options: Iterable[Any]) -> Iterator[str]:
    """The rows of some options."""
    yield "| option | value | what it does |"
    yield "| --- | --- | --- |"
    for option in options:
        names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
        value = "" if option.is_flag else ", ".join(f"`{word}`" for word in _value(option).split("|"))
        yield f"| {names} | {value} | {escaped(option.help or '')}{_default(option)} |"


def escaped(text: str) -> str:
    """Text of a help as Markdown that reads the same; `code` is left as it is."""
    parts = text.split("`")
    return "`".join(re.sub(r"([\\\[\]<>*_|])", r"\\\1", part) if i % 2 == 0 else part for i, part in enumerate(parts))


def _panel(option: Any) -> str:
    return getattr(option, "rich_help_panel", None) or "Options"


def _value(option: Any) -> str:
    return option.metavar or KINDS[option.type_descriptor.annotation]


def _default(option: Any) -> str:
    """Settings tell their defaults in their help; a command's own options do not."""
    silent = option.default is None or option.default is False or "Default:" in (option.help or "")
    return "" if silent or not option.show_default else f" Default: {str(option.default).lower()}."


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
