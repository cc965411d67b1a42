"""The error of this package, and how errors are worded."""

from __future__ import annotations

from pathlib import Path


class ModelError(Exception):
    """A model, its weights or its device cannot be used. The message is one line: expected, found, way out."""

    exit_code = 6


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
