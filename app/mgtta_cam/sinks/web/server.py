"""HTTP for a few viewers: short answers, bounded in number, size and time. Its threads never hold up the stream."""

from __future__ import annotations

import io
import json
import queue
import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qsl

from mgtta_cam.sinks.web.access import Guard
from mgtta_cam.sinks.web.address import REUSE, Address, unusable
from mgtta_cam.sinks.web.feed import Feed
from mgtta_cam.sinks.web.limits import Incoming
from mgtta_cam.sinks.web.page import page, policy
from mgtta_cam.stream.controls import KEYS

MOST_CONNECTIONS = 48
MOST_VIEWERS = 8  # of the picture
MOST_WAITING_KEYS = 32
SEND_S = 10.0  # for a viewer to take an answer
PICTURE_S, STATE_S = 5.0, 0.5  # how long an answer may wait: so most pages are waiting for one when the run ends
VIEWER_GONE_S = 15.0  # since it asked last
GOODBYE_S = 0.3  # in which viewers hear of the end
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\ntoo many connections\n"
)


class Server(ThreadingHTTPServer):
    """Serves a feed from its own threads, and queues the keys that viewers press.

    Args:
        address: where to listen.
        feed: what to serve.
        failed: hears, on any thread, of what went wrong in here.

    Raises:
        OutputError: if the address cannot be used.
    """

    daemon_threads = True
    allow_reuse_address = REUSE
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, address: Address, feed: Feed, failed: Callable[[str], None]) -> None:
        self.address_family = address.family
        try:
            super().__init__(address, Handler)
        except OSError as error:
            raise unusable(address, error) from None
        self.feed, self._failed = feed, failed
        self.guard = Guard(Address(address.ip, self.server_address[1]))
        self.keys: queue.Queue[str] = queue.Queue(MOST_WAITING_KEYS)
        self._lock = threading.Lock()  # guards the next two
        self._connections: set[socket.socket] = set()
        self._viewers: dict[str, float] = {}  # name -> when it asked last
        threading.Thread(target=self.serve_forever, args=(0.1,), name="mgtta-cam web", daemon=True).start()

    def admits(self, viewer: str) -> bool:
        """Whether one more may watch, or is one of those who do."""
        now = time.monotonic()
        with self._lock:
            self._viewers = {name: at for name, at in self._viewers.items() if now - at < VIEWER_GONE_S}
            if viewer not in self._viewers and len(self._viewers) >= MOST_VIEWERS:
                return False
            self._viewers[viewer] = now
        return True

    def stop(self) -> None:
        """Tells viewers of the end, then closes all connections."""
        self.feed.end()
        until = time.monotonic() + GOODBYE_S
        while self._connections and time.monotonic() < until:
            time.sleep(0.01)
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def server_bind(self) -> None:
        """Binds only: HTTPServer asks a name server for its own name, which can take long."""
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for a connection, if there are not too many."""
        with self._lock:
            full = len(self._connections) >= MOST_CONNECTIONS
            if not full:
                self._connections.add(request)
        if full:
            with suppress(OSError):
                request.send(FULL)
            self.shutdown_request(request)
            return
        arguments = (request, client_address)
        threading.Thread(target=self.process_request_thread, args=arguments, name="mgtta-cam web", daemon=True).start()

    def shutdown_request(self, request: Any) -> None:
        """A connection has ended."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Viewers come and go as they like; what is our own mistake was told of before."""


class Handler(BaseHTTPRequestHandler):
    """One connection: one request after the other."""

    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Reads patiently, but not for ever."""
        super().setup()
        self.rfile.close()
        self._incoming = Incoming(self.connection)
        self.rfile = io.BufferedReader(self._incoming)

    def handle_one_request(self) -> None:
        """As its parent, with a new count."""
        self._incoming.begin()
        super().handle_one_request()

    def do_GET(self) -> None:
        """The page, a picture, or the state."""
        self._serve("GET")

    def do_POST(self) -> None:
        """A key."""
        self._serve("POST")

    def _serve(self, method: str) -> None:
        path, _, text = self.path.partition("?")
        query = dict(parse_qsl(text))
        refusal = self.server.guard.refusal(method, path, query, self.headers)
        if refusal is not None:
            self._answer(refusal.status, refusal.words + "\n")
            return
        try:
            {"/": self._page, "/picture": self._picture, "/state": self._state, "/key": self._key}[path](query)
        except OSError:
            raise  # the viewer's doing
        except Exception as error:
            self.server._failed(f"{type(error).__name__}: {error}")
            self._answer(500, "a mistake of ours\n")

    def _page(self, _: dict[str, str]) -> None:
        guard = self.server.guard
        text, nonce = page(guard.token)
        cookie = f"{guard.cookie}={guard.token}; HttpOnly; SameSite=Strict; Path=/"
        more = {"Content-Security-Policy": policy(nonce), **({"Set-Cookie": cookie} if guard.needed else {})}
        self._answer(200, text, "text/html", more)

    def _picture(self, query: dict[str, str]) -> None:
        viewer, after = query.get("viewer", ""), query.get("after", "0")
        if not (re.fullmatch(r"[0-9a-z]{1,32}", viewer) and re.fullmatch(r"[0-9]{1,12}", after, re.ASCII)):
            self._answer(400, "expected viewer=NAME&after=NUMBER\n")
        elif not self.server.admits(viewer):
            self._answer(503, f"{MOST_VIEWERS} viewers watch already: close one of their pages\n")
        elif (found := self.server.feed.picture(int(after), PICTURE_S)) is None:
            self._answer(204, "")
        else:
            self._answer(200, found[1], "image/jpeg", {"X-Picture": str(found[0])})

    def _state(self, _: dict[str, str]) -> None:
        feed = self.server.feed
        feed.ended.wait(STATE_S)
        self._answer(200, json.dumps(feed.state(), allow_nan=False, separators=(",", ":")), "application/json")

    def _key(self, _: dict[str, str]) -> None:
        try:
            key = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["key"]
        except (ValueError, LookupError, TypeError, RecursionError):
            key = None
        if not isinstance(key, str) or key not in KEYS:
            self._answer(400, 'expected {"key": "c"}, or another key of the page\n')
            return
        try:
            self.server.keys.put_nowait(key)
            self._answer(200, "{}", "application/json")
        except queue.Full:
            self._answer(503, "too many keys wait for the next frame\n")

    def _answer(
        self, status: int, body: str | bytes, kind: str = "text/plain", more: dict[str, str] | None = None
    ) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.connection.settimeout(SEND_S)  # of each `send` as a whole
        self.send_response(status)
        kind = kind if isinstance(body, bytes) else f"{kind}; charset=utf-8"
        headers = {**HEADERS, "Content-Security-Policy": policy(), "Content-Type": kind, **(more or {})}
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        if status >= 400 or self.server.feed.ended.is_set():
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What the standard library finds wrong with a request, without repeating any of it."""
        self._answer(code, "this request is not understood\n")

    def version_string(self) -> str:
        """Of the header Server: no versions."""
        return "mgtta-cam"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: addresses hold tokens."""
