"""Parsing methods as users write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mgtta import METHODS
from mgtta_cam.config.method_spec import Spec, parse, parse_all
from mgtta_cam.errors import UsageError


def test_names_and_options() -> None:
    """Values get the types of the builder's options; files are recognized."""
    assert parse("tent") == Spec("tent")
    assert parse("tent:lr=5e-4:momentum=0") == Spec("tent", (("lr", 5e-4), ("momentum", 0.0)))
    assert parse("sar:variant=original:published=true").options == (("variant", "original"), ("published", True))
    assert parse("t3a:supports=3").options == (("supports", 3),)
    assert parse("eata:margin_nats=none").options == (("margin_nats", None),)
    assert parse("sgd:memory=balanced") == Spec("sgd", live=(("memory", "balanced"),))
    assert parse("mgtta:mgg=a.pth:stats=b.safetensors").files == (
        ("mgg", Path("a.pth")),
        ("stats", Path("b.safetensors")),
    )


@pytest.mark.parametrize(
    "text", ["tent", "tent:lr=0.0005", "sar:variant=original", "mgtta:lr=0.002:mgg=a.pth:memory=window:guard=warn"]
)
def test_a_spec_reads_what_it_writes(text: str) -> None:
    """Tables and saved cells name methods as they are written."""
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tnet", "nearest: tent"),
        ("tent:rate=1", "tent has no option 'rate'; its options: lr, momentum, memory, guard"),
        ("none:lr=1", "none has no options"),
        ("none:memory=window", "none has no options"),
        ("tent:memory=all", "tent:memory: expected window or reservoir or balanced, or FILE.py:FUNCTION; got 'all'"),
        ("tent:lr=1:lr=2", "lr is given twice"),
        ("tent:lr", "expected a method's option as name=value; got 'lr'"),
        ("tent:lr=fast", "tent:lr: expected a number; got 'fast'"),
        ("lame:neighbors=1.5", "lame:neighbors: expected a whole number"),
        ("sar:variant=new", "sar:variant: expected foa or original"),
        ("sar:published=maybe", "true or false"),
        ("tent:mgg=a.pth", "no option 'mgg'"),
        ("sgd:statistics=1", "no option 'statistics'"),
    ],
)
def test_errors_are_explained(text: str, words: str) -> None:
    """The message gives the closest name, or the valid choices."""
    with pytest.raises(UsageError, match=words):
        parse(text)


def test_lists() -> None:
    """Methods are separated by commas; `all` is every method; none is listed twice."""
    assert [spec.name for spec in parse_all("none, tent:lr=1e-4")] == ["none", "tent"]
    assert [spec.name for spec in parse_all("all")] == list(METHODS)
    with pytest.raises(UsageError, match="none is listed twice"):
        parse_all("all,none")
    with pytest.raises(UsageError, match="tent is listed twice"):
        parse_all("tent,tent")
    with pytest.raises(UsageError, match="expected at least one method"):
        parse_all(",")


def test_plug_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file can define a method, with options, or a memory; messages explain what is wrong with a file."""
    code = "def mine(backbone, lr: float = 0.1): ...\n\ndef kept(size, seed): ...\n"
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for text in ("./mine.py:mine", "./mine.py:mine:lr=0.5", "mgtta.methods.tent:tent:lr=0.5:momentum=0.5"):
        assert str(parse(text)) == text
    assert parse("tent:memory=./mine.py:kept:lr=0.5").live == (("memory", "./mine.py:kept"),)
    assert [spec.name for spec in parse_all("none,./mine.py:mine")] == ["none", "./mine.py:mine"]
    with pytest.raises(UsageError, match="no function 'yours'; it has: mine, kept"):
        parse("./mine.py:yours")
    with pytest.raises(UsageError, match=r"tent:memory: ./other.py:kept: no such file"):
        parse("tent:memory=./other.py:kept")
