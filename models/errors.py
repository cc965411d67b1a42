"""The one error of this room."""

from __future__ import annotations


class ModelError(Exception):
    """A model, its weights or its device cannot be used. The message is one line: expected, found, way out."""

    exit_code = 6


def reason(error: BaseException, most: int = 160) -> str:
    """The first line of what an error says, cut after so many characters; its kind, if it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:most].rstrip(" .")
