"""The errors that a user can meet, each with its exit code.

The message is one line that the user can act on: what was expected, what came, what to do.
`mgtta_models.errors.ModelError` (exit code 6) lives in its own package; the command line maps it.
"""

from __future__ import annotations

from typing import ClassVar


class AppError(Exception):
    """The run cannot continue, for a reason outside this program. Raise a subclass."""

    exit_code: ClassVar[int] = 1


class UsageError(AppError):
    """Wrong use or configuration: unknown option, value out of range, mutually exclusive options."""

    exit_code = 2


class SourceError(AppError):
    """The source cannot be opened: it is missing, denies access, or is not a video."""

    exit_code = 3


class SourceLostError(AppError):
    """The source was lost after it had opened, and no attempt to reconnect is left."""

    exit_code = 4


class SourceDamagedError(AppError):
    """The source delivered no frame, or with `--strict` fewer than it promised."""

    exit_code = 5


class OutputError(AppError):
    """A result cannot be written: no such folder, not writable, disk full, file exists, unknown format."""

    exit_code = 7


class GuardError(AppError):
    """Updates made the model worse, and the run stops in that case (`--guard stop`)."""

    exit_code = 8


class ReplayError(AppError):
    """A replay differs from its log, the log is damaged, or an expectation is not met."""

    exit_code = 9
