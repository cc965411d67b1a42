"""An HTTP server for a few viewers, with limits on connections, sizes and times. It never blocks the stream."""

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

from mgtta_cam.sinks.web.access import Access
from mgtta_cam.sinks.web.address import REUSE, Address, unusable
from mgtta_cam.sinks.web.feed import Feed
from mgtta_cam.sinks.web.limits import Incoming
from mgtta_cam.sinks.web.page import page, policy
from mgtta_cam.stream.controls import KEYS

MAX_CONNECTIONS = 48
MAX_VIEWERS = 8  # of the picture
MAX_WAITING_KEYS = 32
SEND_TIMEOUT_S = 10.0  # for a viewer to receive a response
PICTURE_WAIT_S, STATE_WAIT_S = 5.0, 0.5  # long polls: most pages are waiting, and so learn at once that the run ended
VIEWER_GONE_S = 15.0  # after its last request
SHUTDOWN_S = 0.3  # for viewers to receive the end of the run
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
        failed: called with each internal error, from any thread.

    Raises:
        OutputError: if the address cannot be used.
    """

    daemon_threads = True
    allow_reuse_address = REUSE
    request_queue_size = MAX_CONNECTIONS

    def __init__(self, address: Address, feed: Feed, failed: Callable[[str], None]) -> None:
        self.address_family = address.family
        try:
            super().__init__(address, Handler)
        except OSError as error:
            raise unusable(address, error) from None
        self.feed, self._failed = feed, failed
        self.access = Access(Address(address.ip, self.server_address[1]))
        self.keys: queue.Queue[str] = queue.Queue(MAX_WAITING_KEYS)
        self._lock = threading.Lock()  # guards the next two fields
        self._connections: set[socket.socket] = set()
        self._viewers: dict[str, float] = {}  # name -> time of its last request
        threading.Thread(target=self.serve_forever, args=(0.1,), name="mgtta-cam web", daemon=True).start()

    def admits(self, viewer: str) -> bool:
        """Whether this viewer may watch: it already does, or there is room for one more."""
        now = time.monotonic()
        with self._lock:
            self._viewers = {name: at for name, at in self._viewers.items() if now - at < VIEWER_GONE_S}
            if viewer not in self._viewers and len(self._viewers) >= MAX_VIEWERS:
                return False
            self._viewers[viewer] = now
        return True

    def stop(self) -> None:
        """Notify viewers that the run has ended, then close all connections."""
        self.feed.end()
        until = time.monotonic() + SHUTDOWN_S
        while self._connections and time.monotonic() < until:
            time.sleep(0.01)
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def server_bind(self) -> None:
        """Bind only: HTTPServer would also look up its own host name, which can take long."""
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection, unless there are too many."""
        with self._lock:
            full = len(self._connections) >= MAX_CONNECTIONS
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
        """Forget a connection that has ended."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore lost connections; internal errors were reported in `_serve`."""


class Handler(BaseHTTPRequestHandler):
    """Handles one connection, request by request."""

    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Read through `Incoming`, which limits time and size."""
        super().setup()
        self.rfile.close()
        self._incoming = Incoming(self.connection)
        self.rfile = io.BufferedReader(self._incoming)

    def handle_one_request(self) -> None:
        """Handle a request with fresh limits."""
        self._incoming.begin()
        super().handle_one_request()

    def do_GET(self) -> None:
        """Serve the page, a picture, or the state."""
        self._serve("GET")

    def do_POST(self) -> None:
        """Take a key."""
        self._serve("POST")

    def _serve(self, method: str) -> None:
        path, _, text = self.path.partition("?")
        query = dict(parse_qsl(text))
        refusal = self.server.access.refusal(method, path, query, self.headers)
        if refusal is not None:
            self._answer(refusal.status, refusal.words + "\n")
            return
        try:
            {"/": self._page, "/picture": self._picture, "/state": self._state, "/key": self._key}[path](query)
        except OSError:
            raise  # the viewer disconnected
        except Exception as error:
            self.server._failed(f"{type(error).__name__}: {error}")
            self._answer(500, "internal error\n")

    def _page(self, _: dict[str, str]) -> None:
        access = self.server.access
        text, nonce = page(access.token)
        cookie = f"{access.cookie}={access.token}; HttpOnly; SameSite=Strict; Path=/"
        more = {"Content-Security-Policy": policy(nonce), **({"Set-Cookie": cookie} if access.needed else {})}
        self._answer(200, text, "text/html", more)

    def _picture(self, query: dict[str, str]) -> None:
        viewer, after = query.get("viewer", ""), query.get("after", "0")
        if not (re.fullmatch(r"[0-9a-z]{1,32}", viewer) and re.fullmatch(r"[0-9]{1,12}", after, re.ASCII)):
            self._answer(400, "expected viewer=NAME&after=NUMBER\n")
        elif not self.server.admits(viewer):
            self._answer(503, f"{MAX_VIEWERS} viewers are already watching: close one of their pages\n")
        elif (found := self.server.feed.picture(int(after), PICTURE_WAIT_S)) is None:
            self._answer(204, "")
        else:
            self._answer(200, found[1], "image/jpeg", {"X-Picture": str(found[0])})

    def _state(self, _: dict[str, str]) -> None:
        feed = self.server.feed
        feed.ended.wait(STATE_WAIT_S)
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
            self._answer(503, "too many keys are waiting for the next frame\n")

    def _answer(
        self, status: int, body: str | bytes, kind: str = "text/plain", more: dict[str, str] | None = None
    ) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.connection.settimeout(SEND_TIMEOUT_S)  # for each `send` as a whole
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
        """Report a malformed request without echoing any of it."""
        self._answer(code, "malformed request\n")

    def version_string(self) -> str:
        """Value of the Server header, without version numbers."""
        return "mgtta-cam"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: addresses contain tokens."""
