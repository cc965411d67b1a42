"""What can go wrong for a user, each with its exit code (interface: Exit codes).

The message is one line that a person can act on: what was expected, what came, what to do.
`mgtta_models.errors.ModelError` (exit code 6) belongs to its own room; the command line maps it.
"""

from __future__ import annotations

from typing import ClassVar


class AppError(Exception):
    """The run cannot go on, for a reason outside this program. Raise a subclass."""

    exit_code: ClassVar[int] = 1


class UsageError(AppError):
    """Wrong use or configuration: unknown option, value out of range, options that exclude each other."""

    exit_code = 2


class SourceError(AppError):
    """The source cannot be opened: missing, refused, not a video."""

    exit_code = 3


class SourceLostError(AppError):
    """The source was open and is gone, and the attempts to reconnect are spent."""

    exit_code = 4


class SourceDamagedError(AppError):
    """The source gave no frame, or under `--strict` fewer than it promised."""

    exit_code = 5


class OutputError(AppError):
    """A result cannot be written: no such folder, not writable, disk full, file exists, unknown format."""

    exit_code = 7


class GuardError(AppError):
    """What was learned did harm, and the run was asked to stop then (`--guard stop`)."""

    exit_code = 8


class ReplayError(AppError):
    """A log run again differs from what it says, or is damaged, or does not meet what was expected of it."""

    exit_code = 9
