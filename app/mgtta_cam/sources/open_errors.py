"""Finds out why an address cannot be opened, which FFmpeg does not say."""

from __future__ import annotations

import base64
import socket
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, unquote, urlsplit

PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322, "rtmp": 1935}
PATIENCE_S = 2.0


def why_not(address: str, waited_s: float, open_timeout_s: float) -> str:
    """Explains why a stream could not be opened, and what to do. Asks the server once more, for at most two seconds.

    Args:
        address: the address with its secrets, which are sent to the server but never returned.
        waited_s: how long opening it took.
        open_timeout_s: how long opening it was allowed to take.
    """
    if waited_s >= 0.9 * open_timeout_s:
        return f"no response within {open_timeout_s:g} s (--open-timeout)"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or PORTS.get(parts.scheme.lower())
        if host and port:
            socket.create_connection((host, port), PATIENCE_S).close()
            if parts.scheme.lower() in ("http", "https"):
                return _answer(parts, host, port)
    except TimeoutError:
        return "its host does not respond"
    except (OSError, ValueError, HTTPException) as error:
        return str(getattr(error, "strerror", None) or error).lower()
    return "check the address, and whether it needs a password"


def _answer(parts: SplitResult, host: str, port: int) -> str:
    """Explains an HTTP server's response to a request for the stream."""
    connect = HTTPSConnection if parts.scheme.lower() == "https" else HTTPConnection
    connection = connect(host, port, timeout=PATIENCE_S)
    headers = {}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    try:
        connection.request("GET", parts._replace(scheme="", netloc="", fragment="").geturl() or "/", headers=headers)
        response = connection.getresponse()
    finally:
        connection.close()
    if response.status in (401, 403):
        return f"the server responds {response.status}: check the user name and password"
    if response.status >= 400:
        return f"the server responds {response.status} {response.reason}; check the address"
    return f"the server sends {response.headers.get_content_type()}, which is not a readable video"
