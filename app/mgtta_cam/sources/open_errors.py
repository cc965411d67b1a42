"""Why an address does not open: FFmpeg only says that it does not."""

from __future__ import annotations

import base64
import socket
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, unquote, urlsplit

PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322, "rtmp": 1935}
PATIENCE_S = 2.0


def why_not(address: str, waited_s: float, open_timeout_s: float) -> str:
    """A few words on a stream that did not open, and what to do. Asks the server once more, for two seconds at most.

    Args:
        address: with its secrets; they go to the server, and not into the words.
        waited_s: how long it was tried.
        open_timeout_s: how long it might be tried.
    """
    if waited_s >= 0.9 * open_timeout_s:
        return f"no answer within {open_timeout_s:g} s (--open-timeout)"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or PORTS.get(parts.scheme.lower())
        if host and port:
            socket.create_connection((host, port), PATIENCE_S).close()
            if parts.scheme.lower() in ("http", "https"):
                return _answer(parts, host, port)
    except TimeoutError:
        return "its host does not answer"
    except (OSError, ValueError, HTTPException) as error:
        return str(getattr(error, "strerror", None) or error).lower()
    return "is the address right, and does it want a password?"


def _answer(parts: SplitResult, host: str, port: int) -> str:
    """What an HTTP server says when it is asked for a stream."""
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
        return f"the server answers {response.status}: it wants another user name or password"
    if response.status >= 400:
        return f"the server answers {response.status} {response.reason}; is the address right?"
    return f"what it sends ({response.headers.get_content_type()}) is not video that can be read"
