"""What one request may take: so many bytes and seconds in all, however slowly they come."""

from __future__ import annotations

import io
import socket
import time

LARGEST_REQUEST = 32 * 1024  # bytes
PATIENCE_S = 10.0  # for a request to arrive, from the end of the one before


class Incoming(io.RawIOBase):
    """Reads a connection; `begin` starts the next request's count.

    A timeout of the socket alone would begin anew with each byte.

    Raises:
        TimeoutError: from reads, when a request takes too long or is too large.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.begin()

    def begin(self) -> None:
        """A request begins."""
        self._left, self._until = LARGEST_REQUEST, time.monotonic() + PATIENCE_S

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Takes what has come; waits for something if nothing has."""
        rest = self._until - time.monotonic()
        if rest <= 0 or self._left <= 0:
            raise TimeoutError("the request takes too long, or is too large")
        self._connection.settimeout(rest)
        n = self._connection.recv_into(buffer, min(len(buffer), self._left))
        self._left -= n
        return n
