"""Explanations for an address that cannot be opened."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mgtta_cam.sources.open_errors import why_not

GOOD = "Basic bWU6cEBzcw=="  # me, p@ss


class Handler(BaseHTTPRequestHandler):
    """A page that needs a password."""

    def do_GET(self) -> None:
        """Sends one response."""
        known = self.headers.get("Authorization") == GOOD
        status = 404 if known and self.path.startswith("/none") else 200 if known else 401
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's name
        """Nothing."""


@pytest.fixture
def place() -> Iterator[str]:
    """Host and port of a server."""
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("http://{}/live", "the server responds 401: check the user name and password"),
        ("http://me:wrong@{}/live?token=abc", "the server responds 401: check the user name and password"),
        ("http://me:p%40ss@{}/none", "the server responds 404"),
        ("http://me:p%40ss@{}", "the server sends text/html, which is not a readable video"),
        ("rtsp://me:p%40ss@{}/live", "whether it needs a password"),
    ],
)
def test_a_server_that_responds(place: str, path: str, words: str) -> None:
    """The explanation follows the response, and contains no secret."""
    why = why_not(path.format(place), 0.1, 10)
    assert words in why
    assert not any(secret in why for secret in ("p%40ss", "p@ss", "wrong", "abc"))


def test_no_server() -> None:
    """The port is closed, the time is over, or the address is invalid."""
    assert why_not("http://127.0.0.1:9/live", 0.1, 10) == "connection refused"
    assert why_not("http://127.0.0.1:9/live", 9.9, 10) == "no response within 10 s (--open-timeout)"
    assert "port" in why_not("http://127.0.0.1:ninety/live", 0.1, 10)
