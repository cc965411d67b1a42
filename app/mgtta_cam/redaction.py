"""Keeps passwords and tokens out of everything that is shown or written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from mgtta_cam.errors import UsageError

HIDDEN = "***"
SHORTEST = 4  # characters; a shorter secret is not hidden everywhere, because it may be part of other words
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]+://?"  # one slash, if an address was treated as a path
_ADDRESS = re.compile(rf"((?<=')(?={_SCHEME}[^']+'))?({_SCHEME})((?(1)[^']+|[^\s'\"<>|]+))")  # in quotes, up to these
_WHOLE = re.compile(rf"()((?:--?[A-Za-z-]+=)?{_SCHEME})(.+)", re.DOTALL)
_QUERY = re.compile(r"(?<=[?&;#])([^=&;#]*=)?([^&;#]+)")
_AT = re.compile("@|%40")
_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_known: set[str] = set()  # secrets of this process, which are also hidden in errors raised by libraries


def redact(text: str) -> str:
    """Hides user names, passwords and query values in a text that is, or contains, addresses.

    A password may contain `@`, `:` and even an unescaped `/`; where its end is unclear, too much is hidden rather than
    too little. Secrets that are already known (`fill`, `remember`, `hide`) are hidden wherever they occur.
    """
    pattern = _WHOLE if _WHOLE.fullmatch(text) else _ADDRESS
    text = pattern.sub(lambda match: match[2] + _redact_rest(match[3]), text)
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def remember(address: str) -> None:
    """Records the password of an address as a secret, both as written and decoded."""
    rest = address.partition("://")[2]
    if (login := _login(rest)) is not None:
        _, _, password = rest[: login.start()].partition(":")
        hide(password)
        hide(unquote(password))


def hide(secret: str) -> None:
    """Records a secret, so that `redact` hides it everywhere."""
    if len(secret) >= SHORTEST:
        _known.add(secret)


def _login(rest: str) -> re.Match[str] | None:
    """Finds where user name and password end, in what follows `scheme://`."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    *_, last = [None, *_AT.finditer(rest)]
    return last if _AT.search(authority) or ":" in authority else None


def _redact_rest(rest: str) -> str:
    if (login := _login(rest)) is not None:
        rest = f"{HIDDEN}@{rest[login.end() :]}"
    return _QUERY.sub(lambda match: (match[1] or "") + HIDDEN, rest)


def fill(template: str, environment: Mapping[str, str]) -> str:
    """Replaces `{NAME}` by environment variables, so that no password shows in the process list.

    Raises:
        UsageError: if a variable is not set.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in environment:
            raise UsageError(f"--source contains {{{name}}}, but the environment variable {name} is not set")
        hide(environment[name])
        return environment[name]

    return _NAME.sub(value, template)
