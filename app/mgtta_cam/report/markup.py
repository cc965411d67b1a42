"""HTML building blocks. All text is escaped here, so nothing from a log ever becomes markup."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence

from mgtta_cam.report.pictures.paint import Picture
from mgtta_cam.report.words import plain

MAX_TEXT = 400  # characters of any text


def esc(value: object) -> str:
    """Escape text for elements and attributes."""
    return html.escape(plain(value, MAX_TEXT))


def section(title: str, *parts: str) -> str:
    """A part of the page under a heading; empty if all its parts are."""
    whole = "".join(parts)
    return f"<section><h2>{esc(title)}</h2>{whole}</section>" if whole else ""


def paragraph(text: str, kind: str = "") -> str:
    """Words."""
    return f'<p class="{esc(kind)}">{esc(text)}</p>' if text else ""


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], left: int = 1) -> str:
    """A table; the first `left` columns are words, the others right-aligned numbers."""
    kinds = ["w" if i < left else "n" for i in range(len(headings))]
    head = "".join(
        f'<th class="{kind}" scope="col">{esc(text)}</th>' for kind, text in zip(kinds, headings, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td class="{kind}">{esc(cell)}</td>' for kind, cell in zip(kinds, row, strict=True))
        + "</tr>"
        for row in rows
    )
    whole = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide">{whole}</div>' if body else ""


def facts(pairs: Iterable[tuple[str, object]]) -> str:
    """Names with their values; empty values are omitted."""
    items = "".join(f"<div><dt>{esc(k)}</dt><dd>{esc(v)}</dd></div>" for k, v in pairs if v not in (None, ""))
    return f'<dl class="facts">{items}</dl>' if items else ""


def tiles(pairs: Iterable[tuple[str, str, str]]) -> str:
    """Large figures: each a name, a value and a note."""
    items = "".join(
        f'<div class="tile"><dt>{esc(name)}</dt><dd>{esc(value)}<small>{esc(note)}</small></dd></div>'
        for name, value, note in pairs
    )
    return f'<dl class="tiles">{items}</dl>' if items else ""


def folded(summary: str, *parts: str, kind: str = "") -> str:
    """Details that are collapsed at first; empty if all parts are."""
    whole = "".join(parts)
    return f'<details class="{esc(kind)}"><summary>{esc(summary)}</summary>{whole}</details>' if whole else ""


def figure(picture: Picture | None) -> str:
    """A picture with its title and an explanation; empty without a picture."""
    if picture is None:
        return ""
    return (
        f'<figure><figcaption><h3>{esc(picture.title)}</h3><p class="quiet">{esc(picture.about)}</p></figcaption>'
        f'<div class="plot" role="img" aria-label="{esc(picture.alt)}">{picture.svg}</div></figure>'
    )


def data_uri(kind: str, data: bytes) -> str:
    """A file as a data URI, which needs no network."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
