"""Build the whole page: one file that needs no network, no script and no other file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mgtta_cam.report import provenance, sections
from mgtta_cam.report.markup import esc, figure, folded, section, table
from mgtta_cam.report.pictures.paint import Picture
from mgtta_cam.report.run import Run
from mgtta_cam.report.series import percentile, share, waits
from mgtta_cam.report.thumbnails import Album
from mgtta_cam.report.words import NONE, Finding, milliseconds, percent, plain, points

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
STYLE = Path(__file__).with_name("style.css")


@dataclass(frozen=True, slots=True, eq=False)
class RunReport:
    """A run with its findings and pictures."""

    run: Run
    name: str  # distinct from the other runs' names
    findings: list[Finding]
    pictures: Mapping[str, Picture]
    album: Album


def page(reports: Sequence[RunReport], comparison: Picture | None = None) -> str:
    """The page's HTML for at least one run."""
    first = reports[0].run
    if len(reports) == 1:
        title = f"{plain(first.part('source').get('name', first.path.name))}: {plain(first.header.get('spec', ''))}"
        body = _of_run(reports[0])
    else:
        title = f"{len(reports)} runs compared"
        body = section("Comparison", _table(reports), figure(comparison))
        body += "".join(folded(_line(one), _of_run(one), kind="run") for one in reports)
    style = STYLE.read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f'<title>{esc(title)} – mgtta-cam report</title>\n<link rel="icon" href="data:,">\n'
        f"<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n<header><p>mgtta-cam report</p><h1>{esc(title)}</h1></header>\n{body}\n"
        "<footer>Made by mgtta-cam report. The figures are also next to this file as PNG.</footer>\n"
        "</main>\n</body>\n</html>\n"
    )


def _of_run(one: RunReport) -> str:
    parts = sections.of_run(one.run, one.findings, one.pictures, one.album)
    return "".join(parts) + provenance.settings(one.run)


def _line(one: RunReport) -> str:
    """The summary line of a collapsed run."""
    return f"{one.name}: {one.findings[0].text}" if one.findings else one.name


def _table(reports: Sequence[RunReport]) -> str:
    headings = ["run", "source", "method", "frames", "frozen", "adapted", "gain", "entropy", "updates", "p99", "end"]
    return table(headings, (_row(one) for one in reports), left=3)


def _row(one: RunReport) -> list[str]:
    run, whole = one.run, share(one.run, "all")
    return [
        one.name,
        plain(run.part("source").get("name", NONE)),
        plain(run.header.get("spec", NONE)),
        f"{whole.n:,}",
        percent(whole.frozen) if whole.compared else NONE,
        percent(whole.adapted) if whole.labeled else NONE,
        points(whole.gain) if whole.compared else NONE,
        f"{whole.entropy:.2f}" if whole.n else NONE,
        f"{sum(why is None for why in run.updates.skipped):,}",
        milliseconds(percentile(waits(run), 99)),
        "killed" if run.summary is None else plain(run.summary.get("exit_code", NONE)),
    ]
