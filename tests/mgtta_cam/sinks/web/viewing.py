"""A web view for each test, and clients that speak HTTP well and badly."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from mgtta_cam.sinks.web.address import Address
from mgtta_cam.sinks.web.view import WebView
from mgtta_cam.stream.controls import Controls
from mgtta_cam.types import FrameResult, Image
from tests.mgtta_cam.tiny import CLASSES

LOOPBACK = Address("127.0.0.1", 0)
EVERYWHERE = Address("0.0.0.0", 0)  # noqa: S104  what is tested here


class Seen(NamedTuple):
    """An answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


@contextmanager
def viewing(address: Address = LOOPBACK, render: Any = None, **parts: Any) -> Iterator[WebView]:
    """A view that shows frames as they are; any internal error fails the test."""
    mistakes: list[str] = []

    def plain(result: FrameResult) -> Image:
        return result.frame.image

    view = WebView(address, render or plain, CLASSES, parts.get("controls") or Controls(), mistakes.append)
    try:
        yield view
    finally:
        view.close()
    assert mistakes == parts.get("mistakes", [])


def port_of(view: WebView) -> int:
    """Where it listens."""
    return int(view.url.split("/")[2].rpartition(":")[2])


def token_of(view: WebView) -> str:
    """Read from its page, as a browser does; given in its address where it is needed for that."""
    target = "/" + view.url.partition("/")[2].partition("/")[2].partition("/")[2]
    return ask(view, target).body.decode().partition('name="token" content="')[2].partition('"')[0]


def ask(view: WebView, target: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Seen:
    """One request on a connection of its own. Headers are given as `Sec_Fetch_Site`."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(view), timeout=60)
    try:
        connection.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return Seen(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def press(view: WebView, key: Any, **headers: str) -> Seen:
    """Sends a key as the page does."""
    body = key if isinstance(key, bytes) else json.dumps({"key": key}).encode()
    given = {"Content_Type": "application/json", "X_Token": token_of(view)} | headers
    return ask(view, "/key", "POST", body, **given)


def shout(view: WebView, data: bytes) -> bytes:
    """Sends bytes as they are; returns all that comes until the connection is closed."""
    with socket.create_connection(("127.0.0.1", port_of(view)), timeout=60) as connection:
        connection.sendall(data)
        return b"".join(iter(lambda: heard(connection), b""))


def heard(connection: socket.socket) -> bytes:
    """What comes next; nothing once it is closed."""
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""
