"""Which requests are answered: the browser of whoever may watch, and nobody else's page through it."""

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

METHODS = {"/": "GET", "/picture": "GET", "/state": "GET", "/key": "POST"}  # all that there is
LARGEST_BODY = 1024  # bytes
TOKEN_HEADER = "X-Token"  # noqa: S105  a name; and one that other sites' pages cannot send unasked
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)


class Refusal(NamedTuple):
    """Why a request is not answered."""

    status: int
    words: str


class Guard:
    """Knows the token of this run, and by which names the page may be called.

    Whoever reaches a loopback address may watch; changes need the token. Elsewhere everything needs it.

    Args:
        address: where the server listens, with its real port.
    """

    def __init__(self, address: Address) -> None:
        self.token = secrets.token_urlsafe(32)
        hide(self.token)
        self.cookie = f"mgtta_cam_{address.port}"  # cookies know hosts, not ports
        self.needed = not address.private  # for everything, not for changes only
        self._address = address
        self._names = {"localhost", "127.0.0.1", "::1", address.ip}
        if address.everywhere:
            self._names.add(socket.gethostname().lower())

    @property
    def url(self) -> str:
        """The page, with the token where it is needed to watch."""
        return f"http://{self._address}/" + (f"?token={self.token}" if self.needed else "")

    def refusal(self, method: str, path: str, query: Mapping[str, str], headers: Message) -> Refusal | None:
        """None if the request is answered."""
        host = headers.get_all("Host", [])
        if len(host) != 1 or not self._is_ours(host[0].strip().lower()):
            return Refusal(403, f"open http://{self._address}/ (a tunnel needs the same port at both of its ends)")
        given = headers.get(TOKEN_HEADER) or query.get("token") or self._from_cookie(headers)
        if self.needed and not self._is_token(given):
            return Refusal(403, "open the address with its token, as the program printed it when it began")
        if path not in METHODS:
            return Refusal(404, "no such page")
        if method != METHODS[path]:
            return Refusal(405, f"this is for {METHODS[path]}")
        if path != "/" and headers.get("Sec-Fetch-Site", "none").lower() not in ("same-origin", "none"):
            return Refusal(403, "asked by another site's page")
        if method == "POST":
            return self._refusal_of_change(headers, host[0].strip())
        if "Content-Length" in headers or "Transfer-Encoding" in headers:
            return Refusal(400, "a request to read has no body")
        return None

    def _refusal_of_change(self, headers: Message, host: str) -> Refusal | None:
        if headers.get("Origin", f"http://{host}").lower() != f"http://{host}".lower():
            return Refusal(403, "asked by another site's page")
        if not self._is_token(headers.get(TOKEN_HEADER)):
            return Refusal(403, "the token is missing, or that of another run: load the page again")
        if headers.get_content_type() != "application/json" or "Transfer-Encoding" in headers:
            return Refusal(415, "expected application/json")
        length = headers.get_all("Content-Length", [])
        if len(length) != 1 or re.fullmatch(r"[0-9]{1,18}", length[0].strip(), re.ASCII) is None:
            return Refusal(411, "expected one Content-Length")
        if int(length[0]) > LARGEST_BODY:
            return Refusal(413, f"expected at most {LARGEST_BODY} bytes")
        return None

    def _is_ours(self, host: str) -> bool:
        """Whether the header Host names this server: a foreign name is another site's that points here (rebinding)."""
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
