"""Each error that a user can meet has the exit code that the interface promises."""

from __future__ import annotations

import pytest

from mgtta_cam import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError, 2),
        (errors.SourceError, 3),
        (errors.SourceLostError, 4),
        (errors.SourceDamagedError, 5),
        (errors.OutputError, 7),
    ],
)
def test_exit_codes(error: type[errors.AppError], code: int) -> None:
    """The code belongs to the class, so that it is known before an instance exists."""
    assert issubclass(error, errors.AppError)
    assert error.exit_code == code
    assert str(error("expected this, got that")) == "expected this, got that"
