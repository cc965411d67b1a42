"""Local servers that behave badly, for streams over HTTP."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal

import cv2

from tests.mgtta_cam.clips import picture

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"


@dataclass(frozen=True)
class Visit:
    """What one client gets."""

    pictures: int  # numbered JPEG pictures; -1: not even a head
    then: Literal["close", "mute"] = "close"
    first: int = 0  # number of the first picture
    scale: int = 1  # of the picture's size
    halved: Container[int] = field(default=())  # of these numbers only the first half is sent
    garbage: Container[int] = field(default=())  # these are random bytes
    fps: float | None = None  # None: as fast as they go


class FaultServer:
    """Sends JPEG pictures to each client, then closes or falls silent.

    Args:
        visits: what clients get, one after the other; those after the last one find the connection closed at once. A
            number of pictures stands for the same for all.
        mute: with a number: keep the connection open afterwards.
        port: where to listen; 0 finds one.
    """

    def __init__(self, *visits: Visit | int, mute: bool = False, port: int = 0) -> None:
        ends: Literal["close", "mute"] = "mute" if mute else "close"
        self._visits = [Visit(visit, ends) if isinstance(visit, int) else visit for visit in visits]
        self._same = len(visits) == 1 and isinstance(visits[0], int)
        self._socket = socket.create_server(("127.0.0.1", port))
        self._leaving = threading.Event()
        self.reached = threading.Event()  # a client is there and got all it will get
        self.requests: list[bytes] = []
        self.met: list[float] = []  # when clients came, monotonic seconds
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
            self.met.append(time.monotonic())
            if (visit := self._visit(len(self.met) - 1)) is not None:
                threading.Thread(target=self._answer, args=(client, visit), daemon=True).start()
            else:
                client.close()

    def _visit(self, place: int) -> Visit | None:
        """What a client gets, by its number."""
        place = 0 if self._same else place
        return self._visits[place] if place < len(self._visits) else None

    def _answer(self, client: socket.socket, visit: Visit) -> None:
        with client, _no_pipe():
            self.requests.append(client.recv(65536))
            if visit.pictures >= 0:
                client.sendall(HEAD)
            for number in range(visit.first, visit.first + visit.pictures):
                client.sendall(_part(number, visit))
                self._leaving.wait(1 / visit.fps if visit.fps else 0)
            self.reached.set()
            if visit.then == "mute":
                self._leaving.wait()


def _part(number: int, visit: Visit) -> bytes:
    """One picture of a multipart stream."""
    image = cv2.cvtColor(picture(number % 256), cv2.COLOR_RGB2BGR)
    high, wide = image.shape[:2]
    _, jpeg = cv2.imencode(".jpg", cv2.resize(image, (wide * visit.scale, high * visit.scale)))
    data = jpeg.tobytes()
    data = data[: len(data) * 2 // 3] if number in visit.halved else data
    data = bytes(range(256)) * 4 if number in visit.garbage else data
    return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(data), data)


@contextmanager
def _no_pipe() -> Iterator[None]:
    """A client that has gone is no failure of the server."""
    try:
        yield
    except OSError:
        return
