"""The server against well-behaved clients and hostile ones."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from mgtta_cam.sinks.web import limits, server
from mgtta_cam.sinks.web.address import Address
from mgtta_cam.sinks.web.view import WebView
from mgtta_cam.stream.controls import KEYS, Controls
from mgtta_cam.stream.session import play
from mgtta_cam.types import Frame
from tests.mgtta_cam.clips import frames
from tests.mgtta_cam.log.test_log import result
from tests.mgtta_cam.sinks.web.viewing import EVERYWHERE, ask, heard, port_of, press, shout, token_of, viewing
from tests.mgtta_cam.stream.test_session import session

PICTURE = "/picture?viewer=a&after=0"


@pytest.fixture
def view(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebView]:
    """A view on the loopback address with short timeouts."""
    monkeypatch.setattr(server, "PICTURE_WAIT_S", 0.05)
    monkeypatch.setattr(limits, "REQUEST_TIMEOUT_S", 2.0)
    with viewing() as made:
        yield made


@pytest.fixture
def outside() -> Iterator[WebView]:
    """One that other machines can reach."""
    with viewing(EVERYWHERE) as made:
        yield made


def test_page_picture_and_state(view: WebView) -> None:
    """Every response has the headers that stop a browser from misusing it."""
    assert ask(view, PICTURE).status == 204
    view.write(result(1))
    kinds = {"/": "text/html; charset=utf-8", PICTURE: "image/jpeg", "/state": "application/json; charset=utf-8"}
    for target, kind in kinds.items():
        seen = ask(view, target)
        assert (seen.status, seen.headers["Content-Type"]) == (200, kind)
        assert seen.headers["Content-Security-Policy"].startswith("default-src 'none'")
        expected = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"}
        expected |= {"Cache-Control": "no-store", "Server": "mgtta-cam", "Set-Cookie": None}
        assert {name: seen.headers[name] for name in expected} == expected
        assert not any(name.startswith("Access-Control") for name in seen.headers)
    assert json.loads(ask(view, "/state").body)["frame"] == 1


def test_keys(view: WebView) -> None:
    """Keys arrive in order where the loop polls for them; anything else does not."""
    for key in KEYS:
        assert press(view, key).status == 200
    assert [view.poll(0) for _ in KEYS] == list(KEYS)
    assert view.poll(1) is None
    for bad in ("x", "", "qq", 3, None, ["q"], {"key": "q"}, "ö", b"", b"{", b"[]", b'"q"', b"\xff\xfe", b"[" * 900):
        assert press(view, bad).status == 400
    assert view.poll(0) is None


def test_a_flood_of_keys_is_bounded(view: WebView) -> None:
    """The queue of keys is bounded while the loop takes none, as when a source hangs."""
    token = token_of(view)
    seen = [press(view, "c", X_Token=token).status for _ in range(server.MAX_WAITING_KEYS + 1)]
    assert seen == [200] * server.MAX_WAITING_KEYS + [503]


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Token": ""},
        {"X_Token": "x"},
        {"X_Token": "t\xf6ken"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": ""},
        {"Host": "192.168.0.1:80"},
    ],
)
def test_changes_by_strangers(view: WebView, headers: dict[str, str]) -> None:
    """Requests without the token, from another site's page, or under another name are denied, and no key arrives."""
    assert press(view, "q", **headers).status == 403
    assert view.poll(0) is None


def test_our_own_names(view: WebView) -> None:
    """Those of this machine, with the port."""
    for host in ("127.0.0.1", "localhost", "LocalHost", "[::1]"):
        origin = f"{host}:{port_of(view)}"
        assert press(view, "c", Host=origin, Origin=f"http://{origin}", Sec_Fetch_Site="same-origin").status == 200


def test_rebinding(view: WebView) -> None:
    """Another site's name that points here reads nothing; nor does another site's page that embeds the picture."""
    view.write(result(0))
    for target in ("/", PICTURE, "/state"):
        assert ask(view, target, Host=f"evil.example:{port_of(view)}").status == 403
    assert ask(view, PICTURE, Sec_Fetch_Site="cross-site").status == 403
    assert ask(view, "/", Sec_Fetch_Site="cross-site").status == 200  # a link to it may be followed


def test_elsewhere_everything_needs_the_token(outside: WebView) -> None:
    """The token is in the address first, then in a cookie that scripts and other sites cannot read."""
    token = outside.url.partition("token=")[2]
    for target in ("/", PICTURE, "/state", "/none", "/?token=", "/?token=wrong", "/?token=%C3%B6"):
        seen = ask(outside, target)
        assert seen.status == 403
        assert "Set-Cookie" not in seen.headers
        assert token.encode() not in seen.body
    page = ask(outside, f"/?token={token}")
    cookie = page.headers["Set-Cookie"]
    assert page.status == 200
    assert cookie.endswith("; HttpOnly; SameSite=Strict; Path=/")
    assert ask(outside, "/state", Cookie=f"a=b; {cookie.partition(';')[0]}").status == 200
    assert ask(outside, "/state", Cookie=cookie.partition("=")[0] + "=wrong").status == 403
    assert (
        ask(outside, "/key", "POST", b"{}", Cookie=cookie.partition(";")[0]).status == 403
    )  # a cookie changes nothing
    assert press(outside, "c").status == 200
    assert ask(outside, f"/?token={token}", Host=f"evil.example:{port_of(outside)}").status == 403
    assert ask(outside, f"/?token={token}", Host=f"192.168.0.1:{port_of(outside)}").status == 200


def test_unknown_pages_and_methods(view: WebView) -> None:
    """Only known paths are served, whatever the path looks like."""
    paths = ("/..", "/../pyproject.toml", "/%2e%2e/etc/passwd", "//etc/passwd", "/page/page.html", "/state/", "/State")
    for path in (*paths, "/\\..\\", "*", "/favicon.ico", "/%00"):
        assert ask(view, path).status == 404
    assert ask(view, "/", "POST", b"{}").status == 405
    assert ask(view, "/key").status == 405
    for method in ("HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "_serve"):
        assert ask(view, "/", method).status == 501


@pytest.mark.parametrize(
    "target", ["/picture", "/picture?viewer=A&after=0", "/picture?viewer=a&after=-1",
               "/picture?viewer=a&after=%D9%A1", "/picture?viewer=" + "a" * 33 + "&after=0"]
)  # fmt: skip
def test_questions_for_no_picture(view: WebView, target: str) -> None:
    """A viewer has a short plain name, and a number."""
    assert ask(view, target).status == 400


def test_bodies(view: WebView) -> None:
    """A key is a short JSON text of known length."""
    assert press(view, "c", Content_Type="text/plain").status == 415
    assert press(view, b"x" * 1025).status == 413
    assert press(view, b"", Content_Length="99999999999999999999").status == 411
    assert press(view, b"", Content_Length="-1").status == 411
    assert press(view, b"{}", Transfer_Encoding="chunked").status == 415
    assert ask(view, "/state", body=b"{}").status == 400
    assert view.poll(0) is None


def test_bytes_that_are_no_http(view: WebView) -> None:
    """Malformed requests get a short response or none, without a traceback or an echo."""
    name = f"Host: 127.0.0.1:{port_of(view)}\r\n"
    good = f"GET /state HTTP/1.1\r\n{name}\r\n".encode()
    for noise in (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"\xff" * 100 + b"\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                  b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"GET /<script> HTTP/1.1\r\n\r\n",
                  f"GET /state HTTP/1.1\r\n{name}{name}\r\n".encode(), b"GET /state\r\n\r\n"):  # fmt: skip
        said = shout(view, noise)
        assert b"Traceback" not in said
        assert b"script" not in said
        assert b'"ended"' not in said
    said = shout(view, good + good + b"\x00 garbage \xff\r\n\r\n" + good)
    assert said.count(b'"ended"') == 2  # of what came before the garbage
    assert view.poll(0) is None


def test_requests_that_never_end(view: WebView, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that comes byte by byte, nor one that is endless, nor a body that is not sent, holds a thread."""
    monkeypatch.setattr(limits, "REQUEST_TIMEOUT_S", 0.3)
    head = f"POST /key HTTP/1.1\r\nHost: 127.0.0.1:{port_of(view)}\r\nX-Token: {token_of(view)}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    assert shout(view, b"") == shout(view, b"GET") == shout(view, head.encode() + b"{") == b""
    assert shout(view, b"GET / HTTP/1.1\r\nA: " + b"a" * limits.LARGEST_REQUEST) == b""
    with socket.create_connection(("127.0.0.1", port_of(view)), timeout=60) as slow, suppress(OSError):
        while True:  # until the server closes it
            slow.send(b"x")
            time.sleep(0.05)
    assert ask(view, "/state").status == 200


def test_viewers_are_bounded(view: WebView) -> None:
    """A ninth viewer is denied the picture and still gets the state."""
    view.write(result(0))
    seen = [ask(view, f"/picture?viewer={name}&after=0").status for name in "abcdefghia"]
    assert seen == [200] * 8 + [503, 200]
    assert ask(view, "/state").status == 200


def test_connections_are_bounded(view: WebView, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection beyond the limit gets an error, and closed ones make room."""
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 3)
    idle = [socket.create_connection(("127.0.0.1", port_of(view))) for _ in range(3)]
    assert b"503" in shout(view, b"")
    for connection in idle:
        connection.close()
    while b"503" in shout(
        view, f"GET /state HTTP/1.1\r\nHost: 127.0.0.1:{port_of(view)}\r\nConnection: close\r\n\r\n".encode()
    ):
        time.sleep(0.05)


def test_a_viewer_that_does_not_read(view: WebView, monkeypatch: pytest.MonkeyPatch) -> None:
    """It blocks its own thread only: the stream runs to its end, others see the latest, and closing does not wait."""
    monkeypatch.setattr(server, "SEND_TIMEOUT_S", 3600.0)
    asked = []
    admits = view._server.admits
    monkeypatch.setattr(view._server, "admits", lambda name: asked.append(name) or admits(name))
    noise = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), np.uint8)  # more than a connection's buffers hold
    controls = Controls()
    question = f"GET /picture?viewer=stalled&after=0 HTTP/1.1\r\nHost: 127.0.0.1:{port_of(view)}\r\n\r\n".encode()
    with socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect(("127.0.0.1", port_of(view)))
        stalled.sendall(question * 40)
        while not asked:
            time.sleep(0.01)
        stream = [Frame(i, i / 30, noise) for i in range(300)]
        outcome = play(session(frames=stream, displays={"web": _Open(view)}, controls=controls))
        assert outcome.summary["frames"] == 300
        newest = ask(view, PICTURE)
        assert newest.headers["X-Picture"] == "300"
        assert asked.count("stalled") < 40  # it is still stuck
        view.close()


class _Open:
    """A view that outlives its session."""

    def __init__(self, view: WebView) -> None:
        self.write, self.poll = view.write, view.poll

    def close(self) -> None:
        """Not yet."""


def test_the_end_is_told() -> None:
    """Requests that wait for a state or a picture end at once, and the port is free again."""
    with viewing() as view:
        view.write(result(0))
        port = port_of(view)
        closing = threading.Timer(0.1, view.close)
        closing.start()
        answers: list[Any] = []
        while not answers or not answers[-1]["ended"]:
            answers.append(json.loads(ask(view, "/state").body))
        closing.join()  # viewers learn that the run ended before the port is free
    with viewing(Address("127.0.0.1", port)) as again:
        assert json.loads(ask(again, "/state").body)["run"] != answers[-1]["run"]


def test_our_own_mistakes() -> None:
    """A drawing error is reported once to the program, and once to the viewer without details."""

    def broken(_: object) -> Any:
        raise ZeroDivisionError("secret")

    with viewing(render=broken, mistakes=["ZeroDivisionError: secret"]) as view:
        view.write(result(0))
        seen = ask(view, PICTURE)
        assert (seen.status, seen.body) == (500, b"internal error\n")


def test_keys_in_a_pause() -> None:
    """A waiting loop receives the view's keys."""
    controls = Controls(paused=True)
    with viewing(controls=controls) as view:
        assert [press(view, key).status for key in (" ", "q")] == [200, 200]
        assert play(session(frames=frames(9), displays={"web": view}, controls=controls)).exit_code == 0


def test_the_stalled_connection_is_closed(view: WebView) -> None:
    """At the end, so that its thread ends too."""
    with socket.create_connection(("127.0.0.1", port_of(view))) as idle:
        view.close()
        assert heard(idle) == b""
