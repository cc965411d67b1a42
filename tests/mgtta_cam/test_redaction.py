"""Passwords and tokens are hidden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgtta_cam.errors import UsageError
from mgtta_cam.redaction import fill, redact, remember


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rtsp://me:hunter2@host/live", "rtsp://***@host/live"),
        ("rtsp://me:hun@ter2@host:554/live", "rtsp://***@host:554/live"),
        ("rtsp://me:hun/ter2@host/live", "rtsp://***@host/live"),
        ("http://host/x.mjpg?token=hunter2&channel=1", "http://host/x.mjpg?token=***&channel=***"),
        ("--source=rtsp://me:hunter2@host/live", "--source=rtsp://***@host/live"),
        ("opened 'http://a:hunter2@h/x' and http://b:hunter2@h/y", "opened 'http://***@h/x' and http://***@h/y"),
        ("--source=rtsp://me:hun ter2@host/live", "--source=rtsp://***@host/live"),
        ("rtsp://me:hunter2%40host/live", "rtsp://***@host/live"),
        ("rtsp://hunter2@host/live", "rtsp://***@host/live"),
        ("http://host/x?hunter2", "http://host/x?***"),
        ("http://host/x#access_token=hunter2", "http://host/x#access_token=***"),
        ("http://host/x?u=http://me:hunter2@h/y&v=1", "http://host/x?u=***&v=***"),
        ("No such command 'rtsp://me:hun ter2@host/live'.", "No such command 'rtsp://***@host/live'."),
        ("rtsp:/me:hunter2@host/live cannot be read", "rtsp:/***@host/live cannot be read"),
        ("C:/clips/me@home.mp4", "C:/clips/me@home.mp4"),
        ("http://host:8080/x", "http://host:8080/x"),
        ("/home/me/clip.mp4", "/home/me/clip.mp4"),
    ],
)
def test_redact(text: str, expected: str) -> None:
    """User names, passwords and query values are hidden; the rest stays."""
    assert redact(text) == expected


@given(
    user=st.text(st.characters(codec="ascii", exclude_characters=":@/?#", categories=["L", "N"]), min_size=1),
    password=st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1).map(
        lambda text: f"S3CRET{text}S3CRET"
    ),
)
def test_no_password_survives(user: str, password: str) -> None:
    """A redacted address shows nothing of a password, whatever its characters."""
    assert "S3CRET" not in redact(f"rtsp://{user}:{password}@host/live")


@pytest.fixture(autouse=True)
def _no_secrets_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mgtta_cam.redaction._known", set())


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("rtsp://me:hunter2@host/live", "401 for user me with password hunter2"),
        ("rtsp://me:hunter%322@host/live", "password hunter22 or hunter%322"),
        ("rtsp://me:hun@ter2@host/live", "password hun@ter2"),
    ],
)
def test_errors_of_libraries(address: str, error: str) -> None:
    """A known password is hidden in any text, unless it is so short that parts of words would be hidden."""
    remember(address)
    remember("rtsp://me:pas@host/live")
    assert "hun" not in redact(error)
    assert "passw" in redact(error)


def test_secrets_from_the_environment_are_hidden_anywhere() -> None:
    """Secrets from the environment are hidden in any text."""
    fill("rtsp://me:{CAM_PASSWORD}@host", {"CAM_PASSWORD": "hunter2"})
    assert redact("libfoo: hunter2 refused") == "libfoo: *** refused"


def test_fill() -> None:
    """Names in braces come from the environment."""
    assert fill("rtsp://me:{CAM_PASSWORD}@host", {"CAM_PASSWORD": "hunter2"}) == "rtsp://me:hunter2@host"


def test_fill_names_what_is_missing() -> None:
    """The message names a variable that is not set."""
    with pytest.raises(UsageError, match="CAM_PASSWORD is not set"):
        fill("rtsp://me:{CAM_PASSWORD}@host", {})
