"""Keeps passwords and tokens out of everything that is shown or written."""

from __future__ import annotations

import re
from collections.abc import Mapping

from app.errors import UsageError

HIDDEN = "***"
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)([^\s'\"<>|]+)")
_WHOLE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)(.+)", re.DOTALL)
_QUERY_VALUE = re.compile(r"(?<=[?&;])([^=&;#]+)=([^&;#]*)")
_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def redact(text: str) -> str:
    """Hides user names, passwords and query values of a text that is an address, or of the addresses in a text.

    A password may hold `@`, `:` and even an unescaped `/`; where it is unclear what belongs to it, too much is hidden
    rather than too little.
    """
    pattern = _WHOLE if _WHOLE.fullmatch(text) else _ADDRESS
    return pattern.sub(lambda match: match[1] + _redact_rest(match[2]), text)


def _redact_rest(rest: str) -> str:
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in rest and ("@" in authority or ":" in authority):
        rest = f"{HIDDEN}@{rest.rpartition('@')[2]}"
    return _QUERY_VALUE.sub(rf"\1={HIDDEN}", rest)


def fill(template: str, environment: Mapping[str, str]) -> str:
    """Puts environment variables in the place of `{NAME}`, so that no password stands in the process list.

    Raises:
        UsageError: if a variable is not set.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in environment:
            raise UsageError(f"--source names {{{name}}}, but the environment variable {name} is not set")
        return environment[name]

    return _NAME.sub(value, template)
