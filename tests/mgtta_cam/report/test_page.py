"""The page and its files: complete, self-contained, and safe whatever a log contains."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from mgtta_cam.report.pictures.gallery import DRAWN
from tests.mgtta_cam.conftest import Command
from tests.mgtta_cam.report.hostile import write_hostile
from tests.mgtta_cam.report.logs import event, frame, header, labeled, summary, update, write

ALLOWED = {
    *("html", "head", "meta", "title", "link", "style", "body", "main", "header", "footer", "section"),
    *("h1", "h2", "h3", "p", "ul", "li", "dl", "div", "dt", "dd", "small", "code", "b", "span", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "img"),
    *("svg", "g", "path", "text", "defs", "use", "rect", "clippath", "image", "tspan"),
}


class Page(HTMLParser):
    """The content of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.alts: list[str] = []
        self.words = ""
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record an element."""
        self.tags.add(tag)
        for name, value in attrs:
            self.addresses += [value or ""] if name in ("src", "href", "xlink:href", "srcset", "action", "data") else []
            self.handlers += [name] if name.startswith("on") else []
            self.alts += [value or ""] if name in ("alt", "aria-label") else []

    def handle_data(self, data: str) -> None:
        """Record text."""
        self.words += data


def check(page: Page) -> None:
    """The page has no scripts and no external resources, and every picture has a name."""
    assert page.tags <= ALLOWED, page.tags - ALLOWED
    assert not page.handlers
    assert all(re.match(r"data:(,|image/)|#", address) for address in page.addresses)
    assert not re.search(r"url\((?!#)|@import", page.source)
    assert all(page.alts)
    assert "default-src 'none'" in page.source


def test_one_log(command: Command, tmp_path: Path) -> None:
    """The command writes a page with its pictures, prints a verdict for people, and findings for programs."""
    labeled(tmp_path / "a.jsonl")
    ended = command("report", "a.jsonl", "--json")
    assert ended.code == 0, ended.err
    assert "a: Adapting helped: 100.0 % against 50.0 %" in ended.err
    printed = json.loads(ended.out)
    assert printed["report"] == str(Path("mgtta-cam-report") / "report.html")
    assert printed["runs"][0]["findings"][0]["mark"] == "good"
    folder = tmp_path / "mgtta-cam-report"
    assert {path.name for path in folder.iterdir()} == {"report.html", *(f"{name}.png" for name in DRAWN)}
    for path in folder.glob("*.png"):
        image = cv2.imread(str(path))
        assert image is not None
        assert image.shape[1] > 1000
    page = Page(folder / "report.html")
    check(page)
    for words in (
        "Adapting helped",
        "shot_noise:5",
        "blocks.5.norm1.weight",
        "2026-01-02 03:04:05 UTC",
        "--adapt-batch",
    ):
        assert words in page.words
    assert page.source.count("<svg") == len(DRAWN)


def test_several_logs(command: Command, tmp_path: Path) -> None:
    """Several runs: a comparison on top, each run collapsed below it, pictures numbered."""
    labeled(tmp_path / "a.jsonl")
    write(tmp_path / "b.jsonl", header(spec="tent"), *(frame(i, "mug") for i in range(50)))
    ended = command("report", "a.jsonl", "b.jsonl", "--out", "both", "-q")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    names = {path.name for path in (tmp_path / "both").iterdir()}
    assert {"report.html", "comparison.png", "1-answers.png", "2-answers.png", "1-calibration.png"} <= names
    assert "2-calibration.png" not in names  # it has no labels
    page = Page(tmp_path / "both" / "report.html")
    check(page)
    assert page.source.count('<details class="run">') == 2
    assert "2 runs compared" in page.words
    assert re.search(r"1 a.*cam.*mgtta.*100.*50\.0 %.*100\.0 %.*\+50\.0", page.words)


@pytest.mark.parametrize(
    "records",
    [
        [header()],
        [header(), event(0.0, "open"), summary(0.1, exit_code=3, error="no such camera")],
        [header(), frame(0)],
        [header(), frame(0, H=None, top=[["mug", None]], ms={}), update(1, [float("nan")] * 6), summary(1.0)],
        [
            header(configuration=[], source=None, model="x", versions=3, argv=None, adapted=None),
            update(1),
            summary(1.0),
        ],
        [header(adapted=[f"blocks.{i}.w" for i in range(160)]), *(update(n, [0.1 * n] * 160) for n in range(1, 4))],
    ],
    ids=["header", "no frame", "killed", "unknown numbers", "strange header", "many tensors"],
)
def test_odd_logs(command: Command, tmp_path: Path, records: list[dict[str, object]]) -> None:
    """Whatever a log lacks, the rest still makes a page."""
    write(tmp_path / "a.jsonl", *records)
    ended = command("report", "a.jsonl")
    assert ended.code == 0, ended.err
    check(Page(tmp_path / "mgtta-cam-report" / "report.html"))


def test_a_hostile_log(command: Command, tmp_path: Path) -> None:
    """No string from a log becomes markup, in the page or in its drawings."""
    write_hostile(tmp_path / "a.jsonl")
    ended = command("report", "a.jsonl")
    assert ended.code == 0, ended.err
    page = Page(tmp_path / "mgtta-cam-report" / "report.html")
    check(page)
    assert "<script>window.hacked=1</script>" in page.words  # as text
    assert command("report", "a.jsonl", "a.jsonl", "--overwrite").code == 0
    check(Page(tmp_path / "mgtta-cam-report" / "report.html"))


def test_outputs_that_exist(command: Command, tmp_path: Path) -> None:
    """Nothing is replaced without --overwrite; with it, stale files of an earlier report are removed."""
    labeled(tmp_path / "a.jsonl")
    write(tmp_path / "b.jsonl", header(), frame(0))
    assert command("report", "a.jsonl").code == 0
    ended = command("report", "b.jsonl")
    assert ended.code == 7
    assert "exists; choose another name or pass --overwrite" in ended.err
    assert (tmp_path / "mgtta-cam-report" / "calibration.png").exists()
    assert command("report", "b.jsonl", "--overwrite").code == 0
    assert not (tmp_path / "mgtta-cam-report" / "calibration.png").exists()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["a.jsonl", "--out", "none/out"], 7, "there is no folder none"),
        (["a.jsonl", "--out", "a.jsonl"], 7, "--out expects a folder; a.jsonl is a file"),
        (["absent.jsonl"], 2, "absent.jsonl cannot be read"),
        (["a.jsonl", "empty.jsonl"], 2, "empty.jsonl is empty"),
        ([], 2, "LOG"),
    ],
)
def test_wrong_use(command: Command, tmp_path: Path, words: list[str], code: int, says: str) -> None:
    """Errors are one line with the documented exit code, and leave no partial report."""
    labeled(tmp_path / "a.jsonl", 10)
    (tmp_path / "empty.jsonl").touch()
    ended = command("report", *words)
    assert (ended.code, len(ended.err.splitlines())) == (code, 1)
    assert says in ended.err
    assert not (tmp_path / "mgtta-cam-report").exists()


def test_a_real_run(command: Command, ready: list[str], tmp_path: Path) -> None:
    """From the command that makes a log to the command that reads it; pictures from the recording."""
    words = ["--adapt-batch", "4", "--label", "chair", "--compare", "split", "--corrupt-schedule", "0:clean 5:fog:4"]
    recorded = ["--log", "a.jsonl.gz", "--record-input", "a.mkv"]
    assert command(*ready, *words, *recorded).code == 0
    ended = command("report", "a.jsonl.gz", "--json")
    assert ended.code == 0, ended.err
    page = Page(tmp_path / "mgtta-cam-report" / "report.html")
    check(page)
    assert "from the recording a.mkv" in page.words
    assert "fog:4 begins" in page.words
    assert len(re.findall(r"data:image/jpeg", page.source)) >= 3


def test_numbers_of_pictures_are_data(tmp_path: Path) -> None:
    """A heat map's picture in the drawing is data too, of as many rows as there are tensors."""
    from mgtta_cam.report.pictures.gallery import of_run
    from mgtta_cam.report.reading import load

    svg = of_run(load(labeled(tmp_path / "a.jsonl")))["tensors"].svg
    assert np.all([address.startswith("data:image/png") for address in re.findall(r'<image[^>]*href="([^"]*)', svg)])
    assert svg.count("blocks.") == 6
