"""Decide which requests to answer: those of authorized viewers, and none that another site's page sends for them."""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
import socket
from collections.abc import Mapping
from email.message import Message
from typing import NamedTuple

from mgtta_cam.redaction import hide
from mgtta_cam.sinks.web.address import Address

METHODS = {"/": "GET", "/picture": "GET", "/state": "GET", "/key": "POST"}  # every path
LARGEST_BODY = 1024  # bytes
TOKEN_HEADER = "X-Token"  # noqa: S105  a name, not a secret; a custom header, so CORS stops other sites' pages
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)


class Refusal(NamedTuple):
    """An HTTP status and the reason why a request is denied."""

    status: int
    words: str


class Access:
    """Holds this run's token and the host names under which the page may be opened.

    On a loopback address anyone may watch, and changes need the token. On any other address everything needs it.

    Args:
        address: where the server listens, with its actual port.
    """

    def __init__(self, address: Address) -> None:
        self.token = secrets.token_urlsafe(32)
        hide(self.token)
        self.cookie = f"mgtta_cam_{address.port}"  # cookies are shared by all ports of a host
        self.needed = not address.private  # whether watching needs the token too
        self._address = address
        self._names = {"localhost", "127.0.0.1", "::1", address.ip}
        if address.everywhere:
            self._names.add(socket.gethostname().lower())

    @property
    def url(self) -> str:
        """The page's address, including the token if watching needs it."""
        return f"http://{self._address}/" + (f"?token={self.token}" if self.needed else "")

    def refusal(self, method: str, path: str, query: Mapping[str, str], headers: Message) -> Refusal | None:
        """Why a request is denied; None if it is allowed."""
        host = headers.get_all("Host", [])
        if len(host) != 1 or not self._is_ours(host[0].strip().lower()):
            return Refusal(403, f"open http://{self._address}/ (a tunnel must use the same port at both ends)")
        given = headers.get(TOKEN_HEADER) or query.get("token") or self._from_cookie(headers)
        if self.needed and not self._is_token(given):
            return Refusal(403, "open the full address, including the token, as the program printed it at startup")
        if path not in METHODS:
            return Refusal(404, "no such page")
        if method != METHODS[path]:
            return Refusal(405, f"expected {METHODS[path]}")
        if path != "/" and headers.get("Sec-Fetch-Site", "none").lower() not in ("same-origin", "none"):
            return Refusal(403, "request from another site's page")
        if method == "POST":
            return self._refusal_of_change(headers, host[0].strip())
        if "Content-Length" in headers or "Transfer-Encoding" in headers:
            return Refusal(400, "expected a GET request without a body")
        return None

    def _refusal_of_change(self, headers: Message, host: str) -> Refusal | None:
        if headers.get("Origin", f"http://{host}").lower() != f"http://{host}".lower():
            return Refusal(403, "request from another site's page")
        if not self._is_token(headers.get(TOKEN_HEADER)):
            return Refusal(403, "the token is missing or belongs to another run: reload the page")
        if headers.get_content_type() != "application/json" or "Transfer-Encoding" in headers:
            return Refusal(415, "expected application/json")
        length = headers.get_all("Content-Length", [])
        if len(length) != 1 or re.fullmatch(r"[0-9]{1,18}", length[0].strip(), re.ASCII) is None:
            return Refusal(411, "expected one Content-Length")
        if int(length[0]) > LARGEST_BODY:
            return Refusal(413, f"expected at most {LARGEST_BODY} bytes")
        return None

    def _is_ours(self, host: str) -> bool:
        """Whether the Host header names this server; a foreign name suggests DNS rebinding by another site."""
        match = _HOST.fullmatch(host)
        if match is None or int(match[2] or 80) != self._address.port:
            return False
        name = match[1].strip("[]")
        return name in self._names or (self._address.everywhere and _is_ip(name))

    def _is_token(self, given: str | None) -> bool:
        return hmac.compare_digest((given or "").encode("utf-8", "replace"), self.token.encode())

    def _from_cookie(self, headers: Message) -> str | None:
        pairs = (part.strip().partition("=") for part in headers.get("Cookie", "").split(";"))
        return next((value for name, _, value in pairs if name == self.cookie), None)


def _is_ip(name: str) -> bool:
    try:
        return ipaddress.ip_address(name) is not None
    except ValueError:
        return False
