"""Build the page: one HTML document that contains its style, its script and this run's token."""

from __future__ import annotations

import secrets
from html import escape
from pathlib import Path

from mgtta_cam.overlay.ink import ADAPTED, FROZEN, PAPER, QUIET, TEXT, TRACK
from mgtta_cam.overlay.renderer import NAMES
from mgtta_cam.stream.controls import KEYS

PARTS = Path(__file__).parent / "page"
GROUPS = {
    "Run": ("pause", "step", "quit"),
    "Corruption": ("corruption", "weaker", "stronger"),
    "Adaptation": ("adapt", "method", "reset", "undo"),
    "Picture": ("compare", "overlay", "snapshot", "help"),
}  # every action of KEYS, in the order of its buttons
COLORS = {"paper": PAPER, "text": TEXT, "quiet": QUIET, "track": TRACK, "adapted": ADAPTED, "frozen": FROZEN}


def page(token: str) -> tuple[str, str]:
    """The page's HTML, and the nonce that its Content-Security-Policy must name."""
    nonce = secrets.token_urlsafe(16)
    colors = "".join(f"--{name}:rgb{color};" for name, color in COLORS.items())
    parts = {
        "NONCE": nonce,
        "TOKEN": token,
        "COLORS": f":root{{{colors}}}",
        "STYLE": _part("style.css"),
        "BUTTONS": "".join(_group(name, actions) for name, actions in GROUPS.items()),
        "PROGRAM": _part("curves.js") + _part("page.js"),
    }
    text = _part("page.html")
    for name, part in parts.items():
        text = text.replace(f"@{name}@", part)
    return text, nonce


def policy(nonce: str | None = None) -> str:
    """Content-Security-Policy: allow only what is part of the page, and its requests to this server."""
    nothing = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    if nonce is None:
        return nothing
    inline = f"'nonce-{nonce}'"
    return f"{nothing}; script-src {inline}; style-src {inline}; img-src blob: data:; connect-src 'self'"


def _group(name: str, actions: tuple[str, ...]) -> str:
    keys = {action: (key, about) for key, (action, about) in reversed(KEYS.items())}
    buttons = "".join(_button(action, *keys[action]) for action in actions)
    attributes = f'class="group" role="group" aria-label="{name}" data-buttons="{len(actions)}"'
    return f"<div {attributes}><h2>{name}</h2>{buttons}</div>"


def _button(action: str, key: str, about: str) -> str:
    shown, about = escape(NAMES.get(key, key)), escape(about)
    attributes = f'type="button" data-key="{escape(key)}" data-action="{action}" title="{about}"'
    return f"<button {attributes}><span>{action}</span><kbd>{shown}</kbd></button>"


def _part(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")
