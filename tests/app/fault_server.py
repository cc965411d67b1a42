"""Local servers that behave badly, for streams over HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import cv2

from tests.app.clips import picture

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"


class FaultServer:
    """Sends so many JPEG pictures to each client, then closes or falls silent.

    Args:
        pictures: how many; -1 sends not even a head.
        mute: keep the connection open afterwards.
    """

    def __init__(self, pictures: int, *, mute: bool) -> None:
        self._pictures, self._mute = pictures, mute
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._leaving = threading.Event()
        self.reached = threading.Event()  # a client is there and got all it will get
        self.requests: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/live.mjpg"

    def __enter__(self) -> FaultServer:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._leaving.set()
        self._socket.close()

    def _serve(self) -> None:
        while not self._leaving.is_set():
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, _no_pipe():
            self.requests.append(client.recv(65536))
            if self._pictures >= 0:
                client.sendall(HEAD)
            for i in range(self._pictures):
                _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(picture(i), cv2.COLOR_RGB2BGR))
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {jpeg.size}\r\n\r\n"
                client.sendall(head.encode() + jpeg.tobytes() + b"\r\n")
            self.reached.set()
            if self._mute:
                self._leaving.wait()


@contextmanager
def _no_pipe() -> Iterator[None]:
    """A client that has gone is no failure of the server."""
    try:
        yield
    except OSError:
        return
