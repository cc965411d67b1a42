"""Limit the bytes and seconds that one request may take, however slowly it arrives."""

from __future__ import annotations

import io
import socket
import time

LARGEST_REQUEST = 32 * 1024  # bytes
REQUEST_TIMEOUT_S = 10.0  # for a request to arrive, counted from the end of the previous one


class Incoming(io.RawIOBase):
    """Reads a connection within limits; `begin` restarts the count for the next request.

    A socket timeout alone would not do: it restarts with each byte.

    Raises:
        TimeoutError: from reads, when a request takes too long or is too large.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.begin()

    def begin(self) -> None:
        """Start a new request."""
        self._left, self._until = LARGEST_REQUEST, time.monotonic() + REQUEST_TIMEOUT_S

    def readable(self) -> bool:
        """Always true: the stream supports reading."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Read available bytes, waiting for at least one."""
        rest = self._until - time.monotonic()
        if rest <= 0 or self._left <= 0:
            raise TimeoutError("the request takes too long or is too large")
        self._connection.settimeout(rest)
        n = self._connection.recv_into(buffer, min(len(buffer), self._left))
        self._left -= n
        return n
