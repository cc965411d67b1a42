"""The one error of this room."""

from __future__ import annotations


class ModelError(Exception):
    """A model, its weights or its device cannot be used. The message is one line: expected, found, way out."""

    exit_code = 6
