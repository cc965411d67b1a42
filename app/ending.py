"""The last words of a command."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from app.redaction import redact

if TYPE_CHECKING:
    from app.session import Outcome


def end(outcome: Outcome) -> None:
    """Ends a command as its run did."""
    if outcome.error is not None:
        complain(outcome.error)
    raise typer.Exit(outcome.exit_code)


def complain(message: str) -> None:
    """One line on stderr, without secrets."""
    print(f"mgtta-cam: {redact(' '.join(message.split()))}", file=sys.stderr)
