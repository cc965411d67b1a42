"""The errors of this package, and how errors are worded."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


class ModelError(Exception):
    """A model, its weights or its device cannot be used. The message is one line: expected, found, way out."""

    exit_code = 6


class MissingPackageError(ModelError, ImportError):
    """A package is not installed that comes with an extra of mgtta-cam. The message names the extra."""

    exit_code = 2


def needs(package: str, what: str, *, extra: str) -> None:
    """Checks that an optional package is installed, without importing it.

    Args:
        package: its import name.
        what: the part of the program that needs it, as the subject of a sentence: `the method foa`.
        extra: the extra of mgtta-cam that installs it.

    Raises:
        MissingPackageError: if it is not installed.
    """
    if find_spec(package) is None:
        raise MissingPackageError(f'{what} needs {package}, which is not installed: pip install "mgtta-cam[{extra}]"')


def reason(error: BaseException, most: int = 160) -> str:
    """The first line of what an error says, cut after `most` characters; its kind, if it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:most].rstrip(" .")


def closed(path: Path) -> str:
    """` (Permission denied)` and the like where the system refuses access to a path; empty where it does not."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return ""
    except OSError as error:
        return f" ({error.strerror})"
    return ""
