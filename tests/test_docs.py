"""Documents fail when they lie: their commands, their Python, their links, their tables."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import typer.main
from timm.models.vision_transformer import VisionTransformer

from docs import cli_reference
from mgtta import METHODS
from mgtta_cam.cli import main
from mgtta_cam.config.settings import fields_of_settings, flag
from mgtta_cam.stream.controls import KEYS
from tests.excerpt import excerpt

ROOT = Path(__file__).resolve().parents[1]
GENERATED = {"options.md"}  # written by docs/cli_reference.py, for the site
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md")])
    if path.name not in GENERATED
}
README = PAGES["README.md"]
LONGEST = 120  # lines of README
COMMANDS = sorted(
    {c for text in PAGES.values() for c in re.findall(r"^(mgtta-cam .*?)(?: +#.*)?$", text, re.MULTILINE)}
)
FOREIGN = {"--index-url", "--extra-index-url"}  # pip's
GIVEN_UP = re.compile(r"(?i:\b(?:lessons?|teach|teaches|teaching|taught|doubts?)\b)|(?:^|[.!?] )Of [a-z]", re.MULTILINE)
NOT_RUN = "<!-- not run: "  # stands before a block that the test cannot run, with the reason


def fences(text: str) -> Iterator[str]:
    """The Python blocks of a page, in order, but for those that are marked."""
    for block in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if not text[: block.start()].rstrip().rpartition("\n")[2].startswith(NOT_RUN):
            yield block[1]


def test_readme_is_short() -> None:
    """A reader gets through it."""
    assert len(README.splitlines()) <= LONGEST


def test_every_method_has_a_row() -> None:
    """In the order of METHODS, and no other."""
    assert re.findall(r"^\| `([a-z0-9-]+)` \|", README, re.MULTILINE) == list(METHODS)


def test_every_key_is_told() -> None:
    """In the table of docs/cli.md."""
    names = {"\x1b": "Esc", " ": "Space"}
    cells = {
        key for row in re.findall(r"^\| `.*", PAGES["docs/cli.md"], re.MULTILINE) for key in re.findall(r"`(.+?)`", row)
    }
    assert {names.get(key, key) for key in KEYS} <= cells


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_have_their_options(command: str) -> None:
    """Each option in a document's command is one of the program's."""
    words = shlex.split(command)[1:]
    program = typer.main.get_command(main.app)
    sub = getattr(program, "commands", {}).get(words[0], program)
    known = {name for parameter in sub.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("-")} <= known


@pytest.mark.parametrize("page", PAGES)
def test_options_exist(page: str) -> None:
    """Each `--option` in running text is an option of some command of ours."""
    program: Any = typer.main.get_command(main.app)
    commands = [program, *program.commands.values()]
    known = {name for c in commands for p in c.params for name in (*p.opts, *p.secondary_opts)} | {"--help"}
    told = set(re.findall(r"`(--[a-z][a-z-]*)[` ]", PAGES[page])) - FOREIGN
    assert told <= known


@pytest.mark.parametrize("page", sorted(PAGES.keys() - {"CHANGELOG.md", "docs/architecture.md"}))
def test_one_word_for_one_thing(page: str) -> None:
    """None of the words that the table in docs/architecture.md gives up, and no sentence that begins with `Of`."""
    assert not GIVEN_UP.findall(PAGES[page])


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """To a file that exists, and to a heading in it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), f"{page} links to {target}"
        if anchor:
            assert anchor in anchors(path.read_text(encoding="utf-8")), f"{page} links to {target}"


def anchors(text: str) -> set[str]:
    """What the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


@pytest.mark.parametrize("page", [page for page, text in PAGES.items() if list(fences(text))])
def test_python_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page, one after the other, on a short `video.mp4`, with a model and pictures of the reader's."""
    monkeypatch.chdir(tmp_path)
    excerpt(tmp_path / "video.mp4")
    torch.manual_seed(0)
    given = {
        "vit": VisionTransformer(img_size=32, patch_size=8, embed_dim=32, depth=2, num_heads=2, num_classes=10),
        "clean_batches": [torch.randn(16, 3, 32, 32) for _ in range(4)],
        "batches": [torch.randn(16, 3, 32, 32) for _ in range(2)],
    }
    for code in fences(PAGES[page]):
        exec(compile(code, page, "exec"), given)  # noqa: S102


def test_few_blocks_are_not_run() -> None:
    """A block that no test runs may lie."""
    assert sum(text.count(NOT_RUN) for text in PAGES.values()) <= 2


def test_the_reference_has_every_option() -> None:
    """Of a run, with the help that the program gives; and every command."""
    page = cli_reference.page()
    for name, info in fields_of_settings().items():
        assert f"`{flag(name)}`" in page
        assert cli_reference.escaped(str(info.description)) in page
    program: Any = typer.main.get_command(main.app)
    assert all(f"\n## mgtta-cam {name}\n" in page for name in program.commands)
    assert cli_reference.escaped(inspect.cleandoc(program.help)) in page
