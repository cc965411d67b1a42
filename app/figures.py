"""Pictures that matplotlib drew, as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import OutputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save(figure: Figure, path: Path) -> None:
    """A PNG; the figure is closed.

    Raises:
        OutputError: if it cannot be written.
    """
    from matplotlib import pyplot as plt

    try:
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        plt.close(figure)
